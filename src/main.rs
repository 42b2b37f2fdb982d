fn main() { print!("{}", palaver::http::spec()); }

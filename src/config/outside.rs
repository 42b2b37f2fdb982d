//! Settings of those outside whom accounts need: mail servers, providers of short messages, Google, stores of
//! files, tables of networks.

use super::value::Value;
use super::{Reader, Row, Secret};
use std::time::Duration;

section! {
    /// E-mail.
    Mail at "mail." {
        /// `smtps://user:password@host` (TLS), `smtp://user:password@host:587?tls=required` (STARTTLS), `smtp://host`
        /// (in clear), or `file:folder`, where mails are laid as files. Empty: no mail is sent.
        url: Option<Secret> = "";
        /// Whom mails come from; the name is also what they call the product.
        from: String = "Palaver <noreply@localhost>";
        /// Where answers go. Empty: to `from`.
        reply_to: Option<String> = "";
        /// Longest attempt to send one.
        timeout: Duration = "10s" in "100ms" "1m";
    }
}

section! {
    /// Short messages to telephones.
    Sms at "sms." {
        /// Address of the provider's HTTP interface, in which `{to}`, `{text}` and `{secret}` are filled in; or `log`, for
        /// those who develop. Empty: none is sent.
        url: Option<Secret> = "";
        /// Method of the request.
        method: String = "POST";
        /// Its headers, each `name: value`, in which `{secret}` is filled in.
        headers: Vec<Secret> = "";
        /// Its body, in which all three are filled in: escaped for JSON when the content type is JSON, else for a form.
        body: Option<String> = "to={to}&text={text}";
        /// What `{secret}` stands for.
        secret: Option<Secret> = "";
        /// Longest attempt to send one.
        timeout: Duration = "10s" in "100ms" "1m";
    }
}

section! {
    /// Signing in with Google.
    Google at "google." {
        /// Client ids of our applications there. Empty: nobody signs in with Google.
        client_ids: Vec<String> = "";
        /// Issuers that id tokens may name.
        issuers: Vec<String> = "https://accounts.google.com,accounts.google.com";
        /// Where the keys of id tokens are published.
        jwks_url: String = "https://www.googleapis.com/oauth2/v3/certs";
        /// Where is said to whom an access token was given.
        tokeninfo_url: String = "https://oauth2.googleapis.com/tokeninfo";
        /// Where is said whose an access token is.
        userinfo_url: String = "https://openidconnect.googleapis.com/v1/userinfo";
        /// Longest wait for any of them.
        timeout: Duration = "3s" in "100ms" "30s";
    }
}

section! {
    /// Pictures of people.
    Files at "files." {
        /// `file:folder` on this machine (one that all nodes share, when there are several), or `s3://bucket`.
        url: String = "file:palaver-files";
        /// Where clients find what is kept there, such as the address of a CDN. Empty: nodes serve it at `/files`.
        public_url: Option<String> = "";
        /// Address of a picture as clients are given it: `{url}` at its end stands for where the picture is found (which needs
        /// `public_url`), `{name}` for its name. For services that fetch and shape pictures, such as Cloudinary's
        /// `https://res.cloudinary.com/<cloud>/image/fetch/w_400,h_400,c_fill/{url}`. Empty: where it is found.
        picture_url: Option<String> = "";
        /// Region of the bucket.
        s3_region: String = "us-east-1";
        /// Address of a store that is not Amazon's.
        s3_endpoint: Option<String> = "";
        /// Access key. Empty: what the machine itself may do.
        s3_key: Option<Secret> = "";
        /// Secret of the access key.
        s3_secret: Option<Secret> = "";
        /// Pictures that a node opens at once: each takes a core, and up to 200 MiB.
        pictures_at_once: u32 = "2" in "1" "64";
        /// Longest wait for the store.
        timeout: Duration = "10s" in "100ms" "1m";
    }
}

section! {
    /// Where on earth addresses are.
    Geo at "geo." {
        /// A MaxMind DB file (GeoLite2, GeoIP2, DB-IP; of cities or of countries), from which the country, region and city of people who
        /// sign up are kept, never their address. It is read into memory when the node starts. Empty: they are unknown.
        database: Option<String> = "";
    }
}

//! Bends what one process believes of its machine: its clocks, and how long its disk takes. Everybody else goes on as
//! before, so a test needs no right to set the machine's time.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The library that does it, made with the C compiler that Rust links with.
pub struct Bender {
    dir: tempfile::TempDir,
}

/// The numbers of one process. They outlive it: started again, it believes the same.
pub struct Bend {
    library: PathBuf,
    path: PathBuf,
    numbers: File,
}

/// Places of the numbers in the file, as `bend.c` has them.
const WALL: u64 = 0;
const MONOTONIC: u64 = 8;
const DISK: u64 = 16;

impl Bender {
    /// Makes the library.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("bend.c");
        std::fs::write(&source, include_str!("bend.c")).unwrap();
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-o"])
            .arg(library(dir.path()))
            .arg(&source)
            .output()
            .expect("a C compiler");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { dir }
    }

    /// A place for files that are needed for as long.
    pub fn place(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Numbers for one process, all of them straight.
    pub fn bend(&self, name: &str) -> Bend {
        let path = self.dir.path().join(name);
        std::fs::write(&path, [0; 24]).unwrap();
        let numbers = File::options().write(true).open(&path).unwrap();
        let library = library(self.dir.path());
        Bend { library, path, numbers }
    }
}

fn library(dir: &Path) -> PathBuf {
    dir.join("bend.so")
}

impl Bend {
    /// What the process must find in its environment.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let text = |path: &Path| path.display().to_string();
        BTreeMap::from([
            ("LD_PRELOAD".to_owned(), text(&self.library)),
            ("BENT_BY".to_owned(), text(&self.path)),
        ])
    }

    /// The wall clock is so much ahead of the machine's; back it goes with a number below zero.
    pub fn set_wall_clock_ahead(&self, ms: i64) {
        self.set(WALL, ms);
    }

    /// The monotonic clock stood still for so long, as in a virtual machine that was paused.
    pub fn set_slept(&self, slept: Duration) {
        self.set(MONOTONIC, -i64::try_from(slept.as_millis()).unwrap());
    }

    /// From now on nothing gets to the disk, or it does again.
    pub fn hang_the_disk(&self, hangs: bool) {
        self.set(DISK, i64::from(hangs));
    }

    fn set(&self, at: u64, number: i64) {
        self.numbers.write_all_at(&number.to_ne_bytes(), at).unwrap();
    }
}

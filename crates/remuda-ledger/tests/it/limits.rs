//! Bad luck: no space, and folders that may not be written.

use crate::harness::fact;
use remuda_ledger::{Append, Blobs, Error, FactQuery, Ledger, Options};
use std::path::Path;
use std::process::Command;

fn run<F: Future<Output = ()>>(story: F) {
    tokio::runtime::Runtime::new().unwrap().block_on(story);
}

/// A small file system of its own, where the machine lets us mount one (as root).
struct Small {
    folder: tempfile::TempDir,
}

impl Small {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).output();
        status.is_ok_and(|output| output.status.success()).then_some(Self { folder })
    }

    fn forbid_writing(&self) {
        let status = Command::new("mount").args(["-o", "remount,ro"]).arg(self.folder.path()).status().unwrap();
        assert!(status.success());
    }

    /// Fills the disk but for so many kB.
    fn leave(&self, ballast: &Path, room: u64) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(ballast).unwrap();
        while file.write_all(&[0; 1024]).is_ok() {}
        let filled = file.metadata().unwrap().len();
        file.set_len(filled.saturating_sub(room * 1024)).unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

/// Appends large facts until one is refused, then shows that everything acknowledged is there and whole.
async fn fill(address: &str, options: &Options) {
    let ledger = Ledger::open_with(address, options).await.unwrap();
    let mut acknowledged = 0;
    let refused = loop {
        let mut large = fact(&format!("f{}", acknowledged + 1));
        large.payload = "x".repeat(100_000);
        match ledger.append("churn", Append { facts: vec![large], ..Append::default() }).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 10_000, "the disk never filled up");
    };
    assert!(matches!(refused, Error::Full { .. }), "{refused:?}");
    assert!(acknowledged > 0);
    // Refused again and again, on every connection, without harm.
    for _ in 0..10 {
        let mut large = fact("late");
        large.payload = "x".repeat(1_000_000);
        let refused = ledger.append("churn", Append { facts: vec![large], ..Append::default() }).await.unwrap_err();
        assert!(matches!(refused, Error::Full { .. }), "{refused:?}");
    }
    let report = ledger.verify("churn", &mut |_, _| {}).await.unwrap();
    assert_eq!((report.facts, report.problems), (acknowledged, vec![]));
    ledger.close().await;
}

#[test]
fn a_ledger_that_has_reached_its_size_refuses_and_stays_whole() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite:{}", folder.path().join("ledger.db").display());
        fill(&address, &Options { sqlite_pages: Some(400), ..Options::default() }).await;
        // With space again, it goes on.
        let ledger = Ledger::open(&address).await.unwrap();
        ledger.append("churn", Append { facts: vec![fact("after")], ..Append::default() }).await.unwrap();
        ledger.close().await;
    });
}

#[test]
fn a_full_disk_refuses_and_leaves_the_ledger_and_the_blobs_whole() {
    let Some(disk) = Small::mount("4m") else { return };
    run(async {
        fill(&format!("sqlite:{}", disk.path().join("ledger.db").display()), &Options::default()).await;
    });
    drop(disk);
    let Some(disk) = Small::mount("4m") else { return };
    run(async {
        let blobs = Blobs::local(disk.path());
        let small = blobs.put(vec![1; 1000]).await.unwrap();
        let refused = blobs.put(vec![2; 8_000_000]).await.unwrap_err();
        assert!(matches!(refused, Error::FileFull { .. }), "{refused:?}");
        assert_eq!(blobs.verify_all(|_, _| {}).await.unwrap(), []);
        assert_eq!(blobs.get_checked(&small).await.unwrap(), vec![1; 1000]);
        assert_eq!(std::fs::read_dir(disk.path().join("blobs/writing")).unwrap().count(), 0);
    });
}

#[test]
fn a_read_only_folder_is_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Small::mount("1m");
    let place = disk.as_ref().map_or(folder.path(), Small::path).to_owned();
    match &disk {
        Some(disk) => disk.forbid_writing(),
        None => {
            let mut permissions = std::fs::metadata(&place).unwrap().permissions();
            permissions.set_readonly(true);
            std::fs::set_permissions(&place, permissions).unwrap();
            if std::fs::write(place.join("probe"), "").is_ok() {
                return; // This user may write everywhere and may mount nothing.
            }
        }
    }
    run(async {
        let refused = Blobs::local(&place).put(&b"x"[..]).await.unwrap_err();
        assert!(matches!(refused, Error::FileReadOnly { .. }), "{refused:?}");
        let refused = Ledger::open(&format!("sqlite:{}", place.join("ledger.db").display())).await.unwrap_err();
        assert!(matches!(refused, Error::Open { .. } | Error::ReadOnly { .. }), "{refused:?}");
        let refused = Ledger::open(&format!("sqlite:{}", place.join("new/ledger.db").display())).await.unwrap_err();
        assert!(matches!(refused, Error::FileReadOnly { .. }), "{refused:?}");
    });
}

#[test]
fn a_ledger_whose_folder_became_read_only_is_read_and_left_alone() {
    let Some(disk) = Small::mount("4m") else { return };
    run(async {
        let file = disk.path().join("ledger.db");
        let address = format!("sqlite:{}", file.display());
        let ledger = Ledger::open(&address).await.unwrap();
        ledger.append("churn", Append { facts: vec![fact("f1")], ..Append::default() }).await.unwrap();
        assert!(!ledger.is_read_only());
        ledger.close().await;
        let before = std::fs::read(&file).unwrap();
        disk.forbid_writing();
        let ledger = Ledger::open(&address).await.unwrap();
        assert!(ledger.is_read_only());
        assert_eq!(ledger.facts(&FactQuery::of("churn")).await.unwrap().len(), 1);
        let report = ledger.verify("churn", &mut |_, _| {}).await.unwrap();
        assert_eq!((report.facts, report.problems), (1, vec![]));
        let refused =
            ledger.append("churn", Append { facts: vec![fact("f2")], ..Append::default() }).await.unwrap_err();
        assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
        let refused = ledger.beat_lease("run/1", "ana", 1).await.unwrap_err();
        assert!(matches!(refused, Error::ReadOnly { .. }), "{refused:?}");
        ledger.close().await;
        assert_eq!(std::fs::read(&file).unwrap(), before);
    });
}

#[test]
fn a_ledger_that_was_not_closed_and_became_read_only_is_read_or_refused_by_name() {
    let Some(disk) = Small::mount("8m") else { return };
    run(async {
        let address = format!("sqlite:{}", disk.path().join("ledger.db").display());
        // What a kill leaves: the file, the log and, if nobody swept it, the log's index.
        let elsewhere = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&format!("sqlite:{}", elsewhere.path().join("ledger.db").display())).await.unwrap();
        ledger.append("churn", Append { facts: vec![fact("f1")], ..Append::default() }).await.unwrap();
        for name in ["ledger.db", "ledger.db-wal"] {
            std::fs::copy(elsewhere.path().join(name), disk.path().join(name)).unwrap();
        }
        ledger.close().await;
        disk.forbid_writing();
        let Err(refused) = Ledger::open(&address).await else { panic!("its log was read without an index") };
        assert!(matches!(refused, Error::Unclosed { .. }), "{refused:?}");
    });
}

#[test]
fn a_disk_without_room_for_the_log_is_called_full() {
    // A little room at a time: each level has something else that is the first not to fit.
    for room in (0..200).step_by(12) {
        let Some(disk) = Small::mount("2m") else { return };
        let file = disk.path().join("ledger.db");
        let address = format!("sqlite:{}", file.display());
        run(async {
            let ledger = Ledger::open(&address).await.unwrap();
            ledger.append("churn", Append { facts: vec![fact("f1")], ..Append::default() }).await.unwrap();
            ledger.close().await;
        });
        let ballast = disk.path().join("ballast");
        disk.leave(&ballast, room);
        run(async {
            let told = match Ledger::open(&address).await {
                Err(error) => Some(error),
                Ok(ledger) => {
                    let mut large = fact("f2");
                    large.payload = "x".repeat(300_000);
                    let told = ledger.append("churn", Append { facts: vec![large], ..Append::default() }).await.err();
                    ledger.close().await;
                    told
                }
            };
            assert!(matches!(told, Some(Error::Full { .. })), "{room} kB: {told:?}");
            std::fs::remove_file(&ballast).unwrap();
            let ledger = Ledger::open(&address).await.unwrap();
            ledger.append("churn", Append { facts: vec![fact("f3")], ..Append::default() }).await.unwrap();
            let report = ledger.verify("churn", &mut |_, _| {}).await.unwrap();
            assert_eq!((report.facts, report.problems), (2, vec![]));
            ledger.close().await;
        });
    }
}

#[test]
fn an_address_that_is_none_is_refused() {
    run(async {
        let refused = Ledger::open("mysql://ana:secret@host/remuda").await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the ledger's address `mysql://ana@host/remuda` is not understood: write `sqlite:PATH` or \
             `postgres://USER@HOST/DATABASE`"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.txt");
        std::fs::write(
            &file,
            "these are my notes, and no database; they are long enough to have a header\n".repeat(50),
        )
        .unwrap();
        let refused = Ledger::open(&format!("sqlite:{}", file.display())).await.unwrap_err();
        assert!(matches!(refused, Error::Damaged { .. }), "{refused:?}");
    });
}

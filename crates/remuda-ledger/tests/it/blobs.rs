//! Blobs, on local disk and in an object store (in memory here).

use futures::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt as _};
use remuda_ledger::{Blobs, Error};
use remuda_model::Digest;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Runs a story on local disk and on an object store.
fn check_both<F: Future<Output = ()>>(story: impl Fn(Blobs, std::path::PathBuf) -> F) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        story(Blobs::local(&folder.path().join("not/there/yet")), folder.path().to_owned()).await;
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        story(Blobs::remote(store, "team/churn", folder.path()), folder.path().to_owned()).await;
    });
}

fn blob_file(folder: &Path, digest: &Digest) -> std::path::PathBuf {
    folder.join("blobs").join(&digest.hex()[..2]).join(&digest.hex()[2..])
}

#[test]
fn what_is_put_is_got_back_whole_and_in_pieces() {
    check_both(|blobs, folder| async move {
        let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
        for content in [Vec::new(), b"churn".to_vec(), large] {
            let digest = blobs.put(content.clone()).await.unwrap();
            assert_eq!(digest, Digest::of(&content));
            assert_eq!(blobs.put(content.clone()).await.unwrap(), digest);
            assert_eq!(blobs.get(&digest).await.unwrap(), content);
            assert_eq!(blobs.get_checked(&digest).await.unwrap(), content);
            assert_eq!(blobs.size(&digest).await.unwrap(), content.len() as u64);
            let pieces: Vec<_> = blobs.get_stream(&digest).await.unwrap().try_collect().await.unwrap();
            assert_eq!(pieces.concat(), content);
            assert_eq!(std::fs::read(blobs.local_path(&digest).await.unwrap()).unwrap(), content);

            let file = folder.join("file");
            std::fs::write(&file, &content).unwrap();
            assert_eq!(blobs.put_file(&file).await.unwrap(), (digest, content.len() as u64));
        }
        let file = folder.join("file");
        let other: Vec<u8> = (0..20_000_000_u32).map(|number| (number % 253) as u8).collect();
        std::fs::write(&file, &other).unwrap();
        let (digest, size) = blobs.put_file(&file).await.unwrap();
        assert_eq!((&digest, size), (&Digest::of(&other), 20_000_000));
        assert_eq!(blobs.get_checked(&digest).await.unwrap(), other);

        let seen = Arc::new(Mutex::new((0, 0)));
        let told = Arc::clone(&seen);
        let problems = blobs.verify_all(move |blobs, bytes| *told.lock().unwrap() = (blobs, bytes)).await.unwrap();
        assert_eq!((problems, *seen.lock().unwrap()), (vec![], (4, 23_000_005)));
    });
}

#[test]
fn a_missing_blob_is_named() {
    check_both(|blobs, folder| async move {
        let digest = Digest::of(b"never stored");
        assert!(!blobs.contains(&digest).await.unwrap());
        for refused in [
            blobs.get(&digest).await.map(|_| ()).unwrap_err(),
            blobs.size(&digest).await.map(|_| ()).unwrap_err(),
            blobs.local_path(&digest).await.map(|_| ()).unwrap_err(),
            blobs.get_stream(&digest).await.map(|_| ()).unwrap_err(),
        ] {
            assert_eq!(
                refused.to_string(),
                format!("no blob {digest} is here: it was never stored, or its file was removed")
            );
        }
        let here = blobs.put(&b"here"[..]).await.unwrap();
        let missing = blobs.missing(&[here, digest.clone()]).await.unwrap();
        assert_eq!(missing.len(), 1);
        assert_eq!((missing[0].digest.as_ref(), missing[0].message.as_str()), (Some(&digest), "is missing"));
        assert!(matches!(blobs.put_file(&folder.join("absent")).await, Err(Error::File { .. })));
    });
}

#[test]
fn a_flipped_byte_is_found_and_its_blob_named() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(folder.path());
        let good = blobs.put(&b"good"[..]).await.unwrap();
        let bad = blobs.put(&b"soon bad"[..]).await.unwrap();
        let file = blob_file(folder.path(), &bad);
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&file, &bytes).unwrap();

        let problems = blobs.verify_all(|_, _| {}).await.unwrap();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].digest, Some(bad.clone()));
        assert_eq!(problems[0].message, format!("is damaged: its bytes hash to {}", Digest::of(&bytes)));
        assert_eq!(blobs.get(&bad).await.unwrap(), bytes, "a plain get checks nothing");
        assert!(matches!(blobs.get_checked(&bad).await, Err(Error::BlobDamaged { .. })));
        blobs.get_checked(&good).await.unwrap();

        // A file that was cut short is written anew by the next put.
        std::fs::write(&file, b"soon").unwrap();
        blobs.put(&b"soon bad"[..]).await.unwrap();
        blobs.get_checked(&bad).await.unwrap();
        std::fs::write(folder.path().join("blobs/notes.txt"), "mine").unwrap();
        let problems = blobs.verify_all(|_, _| {}).await.unwrap();
        assert_eq!(problems[0].message, "does not belong here: its name is no digest");
    });
}

#[test]
fn a_damaged_object_is_found_and_never_reaches_the_cache() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(InMemory::new());
        let blobs = Blobs::remote(Arc::clone(&store) as Arc<dyn ObjectStore>, "", folder.path());
        let digest = blobs.put(&b"good"[..]).await.unwrap();
        let name = format!("blobs/{}/{}", &digest.hex()[..2], &digest.hex()[2..]);
        store.put(&name.as_str().into(), "evil".into()).await.unwrap();
        assert!(matches!(blobs.local_path(&digest).await, Err(Error::BlobDamaged { .. })));
        assert!(!blob_file(folder.path(), &digest).exists());
        let problems = blobs.verify_all(|_, _| {}).await.unwrap();
        assert_eq!((problems.len(), problems[0].place.as_str()), (1, name.as_str()));
    });
}

#[test]
fn what_a_killed_writer_left_is_swept_and_a_writer_at_work_is_not() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(folder.path());
        blobs.put(&b"kept"[..]).await.unwrap();
        let writing = folder.path().join("blobs/writing");
        std::fs::write(writing.join("blob-dead"), "half").unwrap();
        let alive = std::fs::File::create(writing.join("blob-alive")).unwrap();
        alive.lock().unwrap();

        let problems = blobs.verify_all(|_, _| {}).await.unwrap();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].place.ends_with("blob-dead"));
        assert_eq!(blobs.sweep_temporary().await.unwrap(), 1);
        assert!(writing.join("blob-alive").exists());
        assert_eq!(blobs.verify_all(|_, _| {}).await.unwrap(), []);
    });
}

#[test]
fn many_put_the_same_blob_at_once() {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let content = vec![7; 2_000_000];
        let puts = (0..16).map(|_| {
            // Each with a handle of its own, as another process would have.
            let (blobs, content) = (Blobs::local(folder.path()), content.clone());
            tokio::spawn(async move { blobs.put(content).await })
        });
        for put in puts.collect::<Vec<_>>() {
            assert_eq!(put.await.unwrap().unwrap(), Digest::of(&content));
        }
        let blobs = Blobs::local(folder.path());
        assert_eq!(blobs.verify_all(|_, _| {}).await.unwrap(), []);
        assert_eq!(std::fs::read_dir(folder.path().join("blobs/writing")).unwrap().count(), 0);
    });
}

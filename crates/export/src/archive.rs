//! One file for a run: a tar archive, compressed, that any unpacker opens.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, EntryType, Header};

/// The ending of the file name of an archive.
pub const ENDING: &str = ".lapse.tar.gz";

/// The files of a run that are unpacked from an archive; others are for people, and are left in it.
pub const UNPACKED: [&str; 2] = ["journal.lapse", "report.json"];

/// An archive may always hold this many bytes.
const ROOM: u64 = 64 << 20;
/// Beyond [`ROOM`], it may hold this many times its own size: some ten times more than journals are compressed by.
const RATIO: u64 = 50;

/// Why an archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file, or what is in it, cannot be read or written.
    #[error("cannot unpack {path}: it is damaged, or no file that `lapse export` wrote")]
    Io {
        /// The path of the archive.
        path: PathBuf,
        /// The error of the operating system or of the decompression.
        #[source]
        source: io::Error,
    },
    /// There is no journal and no report in it.
    #[error("{path} has neither journal.lapse nor report.json in it: it is no run that `lapse export` packed")]
    NoRun {
        /// The path of the archive.
        path: PathBuf,
    },
    /// It holds more than an archive of its size can.
    #[error("{path} holds more than {most} bytes, which no run in a file of that size does: it was not unpacked")]
    TooLarge {
        /// The path of the archive.
        path: PathBuf,
        /// The most bytes that it may hold.
        most: u64,
    },
}

/// Packs files, each with its name in the archive, into `out`; the archive has them in a folder called `folder`. The same
/// files give the same bytes.
pub fn pack(out: File, folder: &str, files: &[(&str, PathBuf)]) -> io::Result<()> {
    let packed = GzEncoder::new(BufWriter::new(out), Compression::default());
    let mut archive = Builder::new(packed);
    for (name, path) in files {
        let file = File::open(path)?;
        let mut header = Header::new_ustar();
        header.set_size(file.metadata()?.len());
        header.set_mode(0o644);
        header.set_entry_type(EntryType::Regular);
        archive.append_data(&mut header, Path::new(folder).join(name), BufReader::new(file))?;
    }
    archive.into_inner()?.finish()?.flush()
}

/// Unpacks the run of the archive at `path` into `folder`, which is empty. Only the files [`UNPACKED`] are written,
/// under these names and directly in `folder`, whatever the archive says.
pub fn unpack(path: &Path, folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let most = ROOM + file.metadata().map_err(failed)?.len().saturating_mul(RATIO);
    let mut archive = Archive::new(GzDecoder::new(BufReader::new(file)).take(most));
    let unpacked = unpack_known(&mut archive, folder);
    // Where the limit cut it off, the archive seems to end too early.
    if archive.into_inner().limit() == 0 {
        return Err(Error::TooLarge { path: path.to_owned(), most });
    }
    unpacked.map_err(failed)?;
    if UNPACKED.iter().all(|name| !folder.join(name).exists()) {
        return Err(Error::NoRun { path: path.to_owned() });
    }
    Ok(())
}

fn unpack_known(archive: &mut Archive<impl Read>, folder: &Path) -> io::Result<()> {
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let known = UNPACKED.into_iter().find(|known| path.file_name().is_some_and(|name| name == *known));
        let (Some(name), EntryType::Regular) = (known, entry.header().entry_type()) else { continue };
        match File::create_new(folder.join(name)) {
            Ok(mut out) => io::copy(&mut entry, &mut out).map(drop)?,
            // An archive that has a file twice is not one of ours: the first counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use tempfile::tempdir;

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempdir().unwrap();
        let paths = files.iter().enumerate().map(|(nth, (name, bytes))| {
            let path = folder.path().join(format!("file{nth}"));
            fs::write(&path, bytes).unwrap();
            (*name, path)
        });
        let archive = folder.path().join("shop.lapse.tar.gz");
        pack(File::create(&archive).unwrap(), "shop", &paths.collect::<Vec<_>>()).unwrap();
        (folder, archive)
    }

    /// An archive with one entry of this path, kind and content, as an attacker writes it.
    fn forged(path: &[u8], kind: EntryType, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempdir().unwrap();
        let archive = folder.path().join("forged.lapse.tar.gz");
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..path.len()].copy_from_slice(path);
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_link_name("/etc/passwd").unwrap();
        header.set_cksum();
        let mut tar = Builder::new(GzEncoder::new(File::create(&archive).unwrap(), Compression::best()));
        tar.append(&header, content).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
        (folder, archive)
    }

    fn unpacked(archive: &Path) -> (Result<(), Error>, Vec<String>) {
        let parent = tempdir().unwrap();
        let folder = parent.path().join("inside");
        fs::create_dir(&folder).unwrap();
        let outcome = unpack(archive, &folder);
        let files = |folder: &Path| {
            let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.collect::<Vec<_>>()
        };
        assert_eq!(files(parent.path()), ["inside"], "nothing is written outside");
        let mut names = files(&folder);
        names.sort();
        (outcome, names)
    }

    #[test]
    fn what_was_packed_is_unpacked_and_packs_to_the_same_bytes() {
        let files: [(&str, &[u8]); 3] =
            [("journal.lapse", b"entries"), ("report.json", b"{}"), ("report.html", b"page")];
        let ((_one, first), (_other, second)) = (packed(&files), packed(&files));
        assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
        let (outcome, names) = unpacked(&first);
        assert!(outcome.is_ok());
        assert_eq!(names, ["journal.lapse", "report.json"]);
    }

    #[test]
    fn a_path_in_an_archive_never_leads_out_of_the_folder() {
        for path in [&b"../journal.lapse"[..], b"/tmp/journal.lapse", b"a/../../journal.lapse"] {
            let (_folder, archive) = forged(path, EntryType::Regular, b"entries");
            let (outcome, names) = unpacked(&archive);
            assert!(outcome.is_ok());
            assert_eq!(names, ["journal.lapse"]);
        }
        for kind in [EntryType::Symlink, EntryType::Link, EntryType::Directory, EntryType::Fifo] {
            let (_folder, archive) = forged(b"journal.lapse", kind, b"");
            assert!(matches!(unpacked(&archive), (Err(Error::NoRun { .. }), names) if names.is_empty()));
        }
    }

    #[test]
    fn an_archive_that_holds_too_much_is_refused() {
        let zeros = vec![0; usize::try_from(ROOM).unwrap() + (8 << 20)];
        let (_folder, archive) = forged(b"journal.lapse", EntryType::Regular, &zeros);
        assert!(matches!(unpacked(&archive).0, Err(Error::TooLarge { .. })));
    }

    #[test]
    fn what_is_no_archive_is_refused_by_name() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "not an archive").unwrap();
        let error = unpacked(&path).0.unwrap_err();
        assert!(error.to_string().contains("notes.txt: it is damaged"), "{error}");
        let (_folder, archive) = packed(&[("report.html", b"page")]);
        assert!(matches!(unpacked(&archive).0, Err(Error::NoRun { .. })));
    }

    proptest! {
        #[test]
        fn unpacking_a_damaged_archive_never_panics(at in 0_usize..1000, bits in 1_u8..) {
            let content = b"entries".repeat(40);
            let (folder, archive) = packed(&[("journal.lapse", &content)]);
            let mut bytes = fs::read(&archive).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= bits;
            fs::write(&archive, bytes).unwrap();
            let out = folder.path().join("out");
            fs::create_dir(&out).unwrap();
            let _ = unpack(&archive, &out);
        }
    }
}

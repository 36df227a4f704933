//! The built app, from memory: no request reaches the file system.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

/// More is no web app, but a folder that was named by mistake.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// As many files. Vite's build has some ten.
const FILES_MAX: usize = 2_000;

/// Where the build puts what has a hash in its name, and so never changes.
const HASHED: &str = "/assets/";

/// Types by the ending of the name. Browsers compile WASM while it comes only under its own.
const TYPES: [(&str, &str); 15] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("webmanifest", "application/manifest+json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("ico", "image/x-icon"),
    ("webp", "image/webp"),
    ("woff2", "font/woff2"),
    ("txt", "text/plain; charset=utf-8"),
];

struct File {
    body: Bytes,
    kind: &'static str,
    etag: HeaderValue,
}

/// The files of a folder as they were when the server started, by their paths.
pub(super) struct Files(BTreeMap<String, File>);

impl Files {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut files = Self(BTreeMap::new());
        let mut bytes = 0;
        files.read_folder(folder, "", &mut bytes)?;
        if !files.0.contains_key("/index.html") {
            bail!("{} has no index.html: build the app first", folder.display());
        }
        tracing::info!(files = files.0.len(), bytes, "serving the app");
        Ok(files)
    }

    fn read_folder(&mut self, folder: &Path, path: &str, bytes: &mut u64) -> Result<()> {
        let unreadable = || format!("{} can't be read", folder.display());
        for entry in fs::read_dir(folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let (file, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            let path = format!("{path}/{name}");
            // Links could lead out of the folder.
            let kind = entry.file_type().with_context(unreadable)?;
            if kind.is_dir() {
                self.read_folder(&file, &path, bytes)?;
            } else if kind.is_file() {
                let body =
                    fs::read(&file).with_context(|| format!("{} can't be read", file.display()))?;
                *bytes += u64::try_from(body.len())?;
                ensure!(
                    *bytes <= BYTES_MAX && self.0.len() < FILES_MAX,
                    "an app has at most {FILES_MAX} files and {BYTES_MAX} bytes: is --app the right folder?"
                );
                self.0.insert(path, File::new(name, body)?);
            }
        }
        Ok(())
    }

    /// Answers a request for a path. hyper leaves the body out for HEAD.
    pub(super) fn answer(&self, path: &str, headers: &HeaderMap) -> Response {
        let index = format!("{}/index.html", path.trim_end_matches('/'));
        let found = if path.ends_with('/') { self.0.get(&index) } else { self.0.get(path) };
        let Some(file) = found else {
            return (StatusCode::NOT_FOUND, "there is no such page\n").into_response();
        };
        let cache = if path.starts_with(HASHED) {
            "public, max-age=31536000, immutable"
        } else {
            // Asked for each time, and not sent again if it is the same.
            "no-cache"
        };
        let head = [
            (CACHE_CONTROL, HeaderValue::from_static(cache)),
            (ETAG, file.etag.clone()),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            // A share link's key is in the fragment, which is never sent; the rest of the address is
            // nobody's business either.
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        if headers.get(IF_NONE_MATCH).is_some_and(|known| *known == file.etag) {
            return (StatusCode::NOT_MODIFIED, head).into_response();
        }
        (head, [(CONTENT_TYPE, file.kind)], file.body.clone()).into_response()
    }
}

impl File {
    fn new(name: &str, body: Vec<u8>) -> Result<Self> {
        let ending = name.rsplit('.').next().unwrap_or_default();
        let kind = TYPES.iter().find(|(known, _)| *known == ending);
        let mut etag = "\"".to_owned();
        for byte in peerloom_crypto::sha256(&body).iter().take(8) {
            write!(etag, "{byte:02x}")?;
        }
        etag.push('"');
        Ok(Self {
            body: body.into(),
            kind: kind.map_or("application/octet-stream", |(_, kind)| kind),
            etag: HeaderValue::from_str(&etag)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let entry = |path: &str| {
            let file = File::new(path, path.as_bytes().to_vec()).unwrap();
            (path.to_owned(), file)
        };
        Files(["/index.html", "/assets/core-abc.wasm", "/page/index.html"].map(entry).into())
    }

    fn header(response: &Response, name: axum::http::HeaderName) -> &str {
        response.headers()[name].to_str().unwrap()
    }

    #[test]
    fn the_page_is_asked_for_each_time_and_what_has_a_hash_is_kept() {
        let (files, none) = (files(), HeaderMap::new());
        let page = files.answer("/", &none);
        assert_eq!(header(&page, CONTENT_TYPE), "text/html; charset=utf-8");
        assert_eq!(header(&page, CACHE_CONTROL), "no-cache");
        let wasm = files.answer("/assets/core-abc.wasm", &none);
        assert_eq!(header(&wasm, CONTENT_TYPE), "application/wasm");
        assert!(header(&wasm, CACHE_CONTROL).contains("immutable"));
        assert_eq!(files.answer("/page/", &none).status(), StatusCode::OK);
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let (files, mut headers) = (files(), HeaderMap::new());
        let etag = files.answer("/", &headers).headers()[ETAG].clone();
        headers.insert(IF_NONE_MATCH, etag);
        assert_eq!(files.answer("/", &headers).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(files.answer("/page/", &headers).status(), StatusCode::OK);
    }

    #[test]
    fn nothing_but_the_apps_files_is_there() {
        for path in ["/nothing", "/../Cargo.toml", "/assets", "//", "/index.html/", ""] {
            let answer = files().answer(path, &HeaderMap::new());
            let is_page = path == "//";
            assert_eq!(answer.status() == StatusCode::OK, is_page, "{path}");
        }
    }
}

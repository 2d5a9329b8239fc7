//! The web client: its built files are part of the binary, so that neither node nor a folder beside it is needed.
//!
//! `frontend/dist/assets.rs` is written by the same build that names the files (after their content, so that a browser may
//! keep them for ever); `./test frontend` compares the folder with a fresh build. Everything else that browsers are told
//! about safety stands in `guard`.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

/// One built file.
#[derive(Clone, Copy)]
struct Asset {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

/// Where the page's files are.
pub(super) const ASSETS_PATH: &str = "/assets/{file}";
const INDEX: &str = include_str!("../../../../frontend/dist/index.html");
const ASSETS: &[Asset] = include!("../../../../frontend/dist/assets.rs");

/// Only what comes from here, in files of its own: no script or style in the page, no frame around it, nowhere to send a
/// form or a text to, and no text that becomes markup in a script's hands (THREATS T20). `'self'` is this server's sockets,
/// too.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
);
/// Another content has another name.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The page names the files, so it is asked for anew.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The page at `/`.
pub(super) fn page() -> Response {
    ([(CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, ASK_AGAIN)], Html(INDEX)).into_response()
}

/// With the files that the page names.
pub(super) fn with_assets<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    ASSETS.iter().fold(router, |router, asset| router.route(asset.path, get(async || file(asset))))
}

fn file(asset: &'static Asset) -> Response {
    let content_type = HeaderValue::from_static(asset.content_type);
    let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, FOR_EVER), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, asset.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_built_file_is_embedded_and_no_other() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../frontend/dist/assets");
        let built: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the built files are part of the repository")
            .map(|entry| format!("/assets/{}", entry.expect("readable").file_name().to_string_lossy()))
            .collect();
        let embedded: BTreeSet<String> = ASSETS.iter().map(|asset| asset.path.to_owned()).collect();
        assert_eq!(embedded, built, "`npm run build` in frontend writes both");
        assert_eq!(ASSETS.len(), embedded.len(), "a path twice");
        let folder = ASSETS_PATH.trim_end_matches("{file}");
        assert!(embedded.iter().all(|path| path.starts_with(folder)), "as the documents have it");
    }

    #[test]
    fn the_page_asks_for_nothing_that_is_not_embedded_and_has_no_script_or_style_in_itself() {
        let named: Vec<&str> = INDEX
            .split(['"', '\''])
            .filter(|text| text.starts_with('/') || text.contains("://") || text.starts_with("data:"))
            .collect();
        assert!(named.len() >= 3, "{named:?}");
        for path in named {
            assert!(ASSETS.iter().any(|asset| asset.path == path), "{path}");
        }
        assert_eq!(INDEX.matches("<script").count(), INDEX.matches("></script>").count(), "a script in the page");
        for never in ["<style", " style=", " onload=", " onclick="] {
            assert!(!INDEX.contains(never), "{never}");
        }
    }

    #[test]
    fn styles_and_scripts_fetch_nothing_from_elsewhere() {
        for asset in ASSETS {
            let text = std::str::from_utf8(asset.bytes).expect("text");
            for never in ["@import", "url(http", "url(//", "url(data:", "eval(", "new Function", "importScripts"] {
                assert!(!text.contains(never), "{}: {never}", asset.path);
            }
        }
    }

    #[test]
    fn the_policy_has_no_hole() {
        let policy = POLICY;
        let policy = policy.to_str().expect("text");
        for never in ["unsafe", "data:", "blob:", "*", "http"] {
            assert!(!policy.contains(never), "{never}");
        }
        assert!(policy.starts_with("default-src 'none';"));
    }
}

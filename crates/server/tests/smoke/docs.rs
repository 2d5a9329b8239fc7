//! The documents as they are served, and whether everything that they name is there.

use serde_json::Value;

use crate::world::Server;

#[test]
fn documents_are_served_and_kept() {
    let server = Server::with(&[("CHAT_WEBSOCKET_PATH", "/talk"), ("API_PREFIX", "/v1")]);
    for (path, kind, part) in [
        ("/openapi.json", "application/json", "\"/v1/messages/\""),
        ("/asyncapi.yaml", "application/yaml", "address: /talk"),
        ("/docs", "text/html; charset=utf-8", "<code>/v1/messages/</code>"),
        ("/docs/style.css", "text/css; charset=utf-8", "prefers-color-scheme"),
    ] {
        let (status, head, body) = server.get(path);
        assert_eq!(status, 200, "{path}");
        assert!(head.contains(&format!("content-type: {kind}")) && head.contains("nosniff"), "{path}: {head}");
        assert!(head.contains("default-src 'none'; style-src 'self'"), "{path}: {head}");
        assert!(body.contains(part), "{path} has no {part}");
        let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("it has a tag").trim().to_owned();
        assert_eq!(server.ask("GET", path, &[("if-none-match", &etag)], "").0, 304, "{path}");
        assert_eq!(server.ask("POST", path, &[], "").0, 405, "{path}");
    }
}

#[test]
fn every_path_that_is_described_is_there() {
    let server = Server::with(&[("GATEWAY_STAGE", "stage")]);
    let document: Value = serde_json::from_str(&server.get("/openapi.json").2).expect("it is JSON");
    let paths = document["paths"].as_object().expect("it has paths");
    assert!(paths.len() > 30);
    let page = server.ask("GET", "/", &[("accept", "text/html")], "").2;
    let asset = page.split('"').find(|text| text.starts_with("/assets/")).expect("it has some").to_owned();
    for (pattern, item) in paths {
        let segments = pattern.split('/').map(|segment| if segment.starts_with('{') { "1" } else { segment });
        let path = segments.collect::<Vec<_>>().join("/");
        // Files have the names that the page has for them.
        let path = if pattern.starts_with("/assets/") { asset.clone() } else { path };
        let referred = item["$ref"].as_str().map(|target| target.replace("#/paths/", "").replace("~1", "/"));
        let methods = referred.as_ref().map_or(item, |path| &paths[path]);
        for method in methods.as_object().expect("a path has methods").keys() {
            let (status, _, body) = server.ask(&method.to_ascii_uppercase(), &path, &[], "");
            let is_unknown = status == 404 && body.contains("Route not found");
            assert!(!is_unknown && status != 405, "{method} {path}: {status} {body}");
        }
    }
}

#[test]
fn documents_can_be_left_out() {
    let server = Server::with(&[("DOCS", "false")]);
    for path in ["/openapi.json", "/asyncapi.yaml", "/docs", "/docs/style.css"] {
        assert_eq!(server.get(path).0, 404, "{path}");
    }
}

&[
    Asset { path: "/assets/icon-D6kcCwzh.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-D6kcCwzh.svg") },
    Asset { path: "/assets/index-7dtqPce9.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-7dtqPce9.js") },
    Asset { path: "/assets/index-FRVhhrIf.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-FRVhhrIf.css") },
]

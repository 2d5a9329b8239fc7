&[
    Asset { path: "/assets/icon-D6kcCwzh.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-D6kcCwzh.svg") },
    Asset { path: "/assets/index-B3C7foxV.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-B3C7foxV.js") },
    Asset { path: "/assets/index-FRVhhrIf.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-FRVhhrIf.css") },
]

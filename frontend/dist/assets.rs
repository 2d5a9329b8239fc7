&[
    Asset { path: "/assets/icon-D6kcCwzh.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-D6kcCwzh.svg") },
    Asset { path: "/assets/index-CZE_lToA.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-CZE_lToA.js") },
    Asset { path: "/assets/index-uRTChh_M.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-uRTChh_M.css") },
]

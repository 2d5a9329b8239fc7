&[
    Asset { path: "/assets/icon-D6kcCwzh.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-D6kcCwzh.svg") },
    Asset { path: "/assets/index-BF2G_4iH.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-BF2G_4iH.css") },
    Asset { path: "/assets/index-CUGXp9zB.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-CUGXp9zB.js") },
]

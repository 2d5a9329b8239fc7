//! The documents as one page for people, out of nothing but their own words: routes by wire, sockets and their messages,
//! schemas. Everything folds without a script.

use std::fmt::Write;

use dialects::spec::Node;

/// What a document refers to, by its path.
fn found<'a>(document: &'a Node, node: &'a Node) -> &'a Node {
    let Some(path) = node.text_of("$ref").strip_prefix("#/") else { return node };
    let unescaped = |part: &str| part.replace("~1", "/").replace("~0", "~");
    path.split('/').try_fold(document, |at, part| at.get(&unescaped(part))).unwrap_or(node)
}

/// A text in HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Words, with what stands between backticks as code.
fn words(text: &str) -> String {
    let mut out = String::new();
    for (place, part) in text.split('`').enumerate() {
        let part = escaped(part);
        if place % 2 == 1 { out.push_str(&format!("<code>{part}</code>")) } else { out.push_str(&part) }
    }
    out
}

/// A name that can stand in an address.
fn anchor(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// The page.
pub(super) fn write(openapi: &Node, asyncapi: &Node) -> String {
    let mut page = Page(String::new());
    let info = |key| openapi.get("info").map_or("", |info| info.text_of(key));
    let (title, version) = (escaped(info("title")), escaped(info("version")));
    page.add(&format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}: documents</title>\n<link rel=\"stylesheet\" href=\"/docs/style.css\">\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">To the text</a>\n<header>\n<h1>{title} <small>{version}</small></h1>\n<p>{}</p>\n\
         <p>For programs: <a href=\"/openapi.json\">OpenAPI</a>, <a href=\"/asyncapi.yaml\">AsyncAPI</a>.</p>\n</header>\n",
        words(info("description"))
    ));
    let tags = openapi.get("tags").map_or(&[][..], Node::items);
    page.add("<nav aria-label=\"Wires\">\n<ul>\n");
    for tag in tags {
        let name = tag.text_of("name");
        page.add(&format!("<li><a href=\"#{}\">{}</a></li>\n", anchor(name), escaped(name)));
    }
    page.add("<li><a href=\"#schemas\">schemas</a></li>\n</ul>\n</nav>\n<main id=\"main\">\n");
    for tag in tags {
        let name = tag.text_of("name");
        let (id, heading) = (anchor(name), escaped(name));
        page.add(&format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n"));
        page.add(&format!("<p>{}</p>\n", words(tag.text_of("description"))));
        page.routes(openapi, name);
        page.socket(asyncapi, name);
        page.add("</section>\n");
    }
    page.schemas(openapi, asyncapi);
    page.add("</main>\n</body>\n</html>\n");
    page.0
}

struct Page(String);

impl Page {
    fn add(&mut self, html: &str) {
        self.0.push_str(html);
    }

    /// Something that folds, with what it is about in its heading.
    fn fold(&mut self, heading: &str, inside: impl FnOnce(&mut Self)) {
        self.add(&format!("<details>\n<summary>{heading}</summary>\n<div>\n"));
        inside(self);
        self.add("</div>\n</details>\n");
    }

    fn routes(&mut self, openapi: &Node, tag: &str) {
        for (path, item) in openapi.get("paths").map_or(&[][..], Node::entries) {
            let own = item.entries().iter().map(|(method, operation)| (method, operation, false));
            let other = found(openapi, item);
            let others = other.entries().iter().map(|(method, operation)| (method, operation, true));
            // What it refers to is another path's, and shown there.
            for (method, operation, also) in own.chain(others.filter(|_| other != item)) {
                if operation.get("tags").map_or(&[][..], Node::items).iter().all(|one| one.text() != tag) {
                    continue;
                }
                let (shown, path) = (method.to_ascii_uppercase(), escaped(path));
                if also {
                    self.add(&format!("<p class=\"also\"><b>{shown}</b> <code>{path}</code> is the same.</p>\n"));
                    continue;
                }
                let heading = format!(
                    "<b class=\"{}\">{shown}</b> <code>{path}</code> {}",
                    escaped(method),
                    words(operation.text_of("summary"))
                );
                self.fold(&heading, |page| page.operation(openapi, operation));
            }
        }
    }

    fn operation(&mut self, openapi: &Node, operation: &Node) {
        let description = operation.text_of("description");
        if !description.is_empty() {
            self.add(&format!("<p>{}</p>\n", words(description)));
        }
        let security = operation.get("security").map_or(&[][..], Node::items);
        let shows = |one: &Node| match one.entries() {
            [] => "nothing".to_owned(),
            all => all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" and "),
        };
        let shown: Vec<String> = security.iter().map(shows).collect();
        let shown = if shown.is_empty() { "nothing".to_owned() } else { shown.join(", or ") };
        self.add(&format!("<p>You show: {}.</p>\n", escaped(&shown)));
        let parameters = operation.get("parameters").map_or(&[][..], Node::items);
        if !parameters.is_empty() {
            self.add("<table>\n<caption>Parameters</caption>\n<tr><th scope=\"col\">name</th><th scope=\"col\">in</th><th scope=\"col\">what it is</th></tr>\n");
            for parameter in parameters {
                let wanted = if parameter.get("required") == Some(&Node::Bool(true)) { "" } else { ", optional" };
                self.add(&format!(
                    "<tr><td><code>{}</code></td><td>{}{wanted}</td><td>{}</td></tr>\n",
                    escaped(parameter.text_of("name")),
                    escaped(parameter.text_of("in")),
                    words(parameter.text_of("description"))
                ));
            }
            self.add("</table>\n");
        }
        if let Some(body) = operation.get("requestBody") {
            self.add("<h3>Body</h3>\n");
            self.content(body);
        }
        self.add("<h3>Answers</h3>\n<dl>\n");
        for (status, response) in operation.get("responses").map_or(&[][..], Node::entries) {
            let response = found(openapi, response);
            self.add(&format!("<dt>{}</dt>\n<dd>{}\n", escaped(status), words(response.text_of("description"))));
            self.content(response);
            self.add("</dd>\n");
        }
        self.add("</dl>\n");
    }

    fn content(&mut self, of: &Node) {
        for (kind, content) in of.get("content").map_or(&[][..], Node::entries) {
            self.add(&format!("<p class=\"kind\">{}</p>\n", escaped(kind)));
            if let Some(schema) = content.get("schema") {
                self.schema(schema);
            }
        }
    }

    /// A schema as it stands, with ways to those that it refers to.
    fn schema(&mut self, schema: &Node) {
        let mut html = escaped(&schema.pretty());
        let mut names = Vec::new();
        schema.clone().references(&mut |target| names.push(target.clone()));
        names.sort_unstable();
        names.dedup();
        for target in names {
            let name = target.rsplit('/').next().unwrap_or_default();
            let link = format!("&quot;<a href=\"#schema-{}\">{}</a>&quot;", anchor(name), escaped(&target));
            html = html.replace(&format!("&quot;{}&quot;", escaped(&target)), &link);
        }
        self.add(&format!("<pre>{html}</pre>\n"));
    }

    fn socket(&mut self, asyncapi: &Node, name: &str) {
        let Some(channel) = asyncapi.get("channels").and_then(|channels| channels.get(name)) else { return };
        self.add(&format!("<h3>On the socket <code>{}</code></h3>\n", escaped(channel.text_of("address"))));
        for (target, message) in channel.get("messages").map_or(&[][..], Node::entries) {
            let message = found(asyncapi, message);
            let said = if target.contains(".send.") { "the server says" } else { "you send" };
            let heading = format!(
                "<i>{said}</i> <code>{}</code> {}",
                escaped(message.text_of("name")),
                words(message.text_of("summary"))
            );
            self.fold(&heading, |page| {
                let description = message.text_of("description");
                if !description.is_empty() {
                    page.add(&format!("<p>{}</p>\n", words(description)));
                }
                for example in message.get("examples").map_or(&[][..], Node::items) {
                    let shown = example.get("payload").and_then(|payload| serde_json::to_string(payload).ok());
                    page.add(&format!("<pre class=\"example\">{}</pre>\n", escaped(&shown.unwrap_or_default())));
                }
                if let Some(payload) = message.get("payload") {
                    page.schema(payload);
                }
            });
        }
    }

    fn schemas(&mut self, openapi: &Node, asyncapi: &Node) {
        self.add("<section aria-labelledby=\"schemas\">\n<h2 id=\"schemas\">schemas</h2>\n");
        let of = |document: &Node| {
            document
                .get("components")
                .and_then(|parts| parts.get("schemas"))
                .map_or(Vec::new(), |all| all.entries().to_vec())
        };
        let mut all = of(openapi);
        all.extend(of(asyncapi));
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all.dedup_by(|one, other| one.0 == other.0);
        for (name, schema) in all {
            let mut heading = String::new();
            write!(heading, "<span id=\"schema-{}\">{}</span>", anchor(&name), escaped(&name))
                .expect("a String takes what is written to it");
            self.fold(&heading, |page| page.schema(&schema));
        }
        self.add("</section>\n");
    }
}

//! A figure's SVG as elements that tests count. Reading fails where the document is not well-formed: elements that are not
//! closed in turn, attributes without quotes or given twice, and bare `<` or `&`.

use std::collections::BTreeMap;

use latentlink::report::PageFormat;
use latentlink::report::canvas::Canvas;

#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    /// Directly inside the element, with entities resolved.
    pub text: String,
}

impl Element {
    pub fn number(&self, attribute: &str) -> f64 {
        self.attributes[attribute].trim_end_matches("mm").parse().unwrap()
    }
}

/// All elements, in the order of their start tags.
pub fn elements(svg: &str) -> Vec<Element> {
    let body = svg.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("an XML declaration");
    let (mut all, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut rest = body;
    while let Some(at) = rest.find('<') {
        match open.last() {
            Some(&parent) => all[parent].text.push_str(&resolved(&rest[..at])),
            None => assert_eq!(rest[..at].trim(), "", "text outside of the root"),
        }
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let closed = open.pop().expect("an element is open");
            assert_eq!(all[closed].name, name);
            continue;
        }
        assert!(all.is_empty() || !open.is_empty(), "a second root");
        let (tag, is_empty) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        all.push(Element { name: name.to_owned(), attributes: read_attributes(attributes), text: String::new() });
        if !is_empty {
            open.push(all.len() - 1);
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    assert_eq!(rest.trim(), "");
    all
}

pub fn elements_of(canvas: &Canvas) -> Vec<Element> {
    elements(&canvas.to_svg(&PageFormat::default(), &[]).unwrap())
}

/// What the texts say, in their order.
pub fn texts(elements: &[Element]) -> Vec<&str> {
    elements.iter().filter(|element| element.name == "text").map(|element| element.text.as_str()).collect()
}

fn read_attributes(mut text: &str) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    while !text.trim().is_empty() {
        let (name, rest) = text.split_once("=\"").expect("a quoted value");
        let (value, rest) = rest.split_once('"').expect("the quote is closed");
        let twice = attributes.insert(name.trim().to_owned(), resolved(value));
        assert_eq!(twice, None, "{name} is given twice");
        text = rest;
    }
    attributes
}

fn resolved(text: &str) -> String {
    let legal = |character: char| character >= ' ' || "\t\n\r".contains(character);
    assert!(text.chars().all(legal), "{text:?}");
    let mut parts = text.split('&');
    let mut resolved = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').expect("an entity ends");
        resolved.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            other => panic!("&{other};"),
        });
        resolved.push_str(rest);
    }
    resolved
}

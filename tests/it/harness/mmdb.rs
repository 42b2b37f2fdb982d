//! Small files in MaxMind's format, version 2: a binary tree over the bits of IPv6 addresses (IPv4 lies under `::/96`),
//! whose leaves point into a section of values, and a map of metadata at the end.

use serde_json::{Value, json};
use std::net::IpAddr;

const METADATA: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// Between the tree and the values.
const GAP: usize = 16;

/// Where a branch of the tree leads.
#[derive(Clone, Copy)]
enum Branch {
    Nowhere,
    Node(usize),
    Value(usize),
}

/// The bytes of a file that has a value for each network, given by an address and its bits.
pub fn table(networks: &[(IpAddr, usize, Value)]) -> Vec<u8> {
    let (mut nodes, mut values) = (vec![[Branch::Nowhere; 2]], Vec::new());
    for (address, bits, value) in networks {
        let (address, bits) = match address {
            IpAddr::V4(v4) => (u128::from(u32::from(*v4)), bits + 96),
            IpAddr::V6(v6) => (u128::from(*v6), *bits),
        };
        let side = |bit: usize| (address >> (127 - bit) & 1) as usize;
        let mut node = 0;
        for bit in 0..bits - 1 {
            if !matches!(nodes[node][side(bit)], Branch::Node(_)) {
                nodes.push([Branch::Nowhere; 2]);
                nodes[node][side(bit)] = Branch::Node(nodes.len() - 1);
            }
            let Branch::Node(next) = nodes[node][side(bit)] else {
                unreachable!()
            };
            node = next;
        }
        nodes[node][side(bits - 1)] = Branch::Value(values.len());
        write(&mut values, value);
    }
    let count = nodes.len();
    let pointer = |branch: &Branch| match branch {
        Branch::Nowhere => count,
        Branch::Node(node) => *node,
        Branch::Value(at) => count + GAP + at,
    };
    let tree = nodes.iter().flatten().map(pointer);
    let mut file: Vec<u8> = tree.flat_map(|to| (to as u32).to_be_bytes()[1..].to_vec()).collect();
    file.extend([0; GAP]);
    file.extend(values);
    file.extend(METADATA);
    let metadata = json!({
        "binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": 1_700_000_000,
        "database_type": "Palaver-Test", "description": {"en": "made by a test"}, "ip_version": 6,
        "languages": ["en"], "node_count": count, "record_size": 24,
    });
    write(&mut file, &metadata);
    file
}

/// Appends a value: texts, numbers, lists and maps are all there is.
fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => {
            head(out, 2, text.len());
            out.extend(text.as_bytes());
        }
        Value::Number(number) if number.is_f64() => {
            head(out, 3, 8);
            out.extend(number.as_f64().unwrap().to_be_bytes());
        }
        Value::Number(number) => whole(out, 5, 2, number.as_u64().unwrap()),
        Value::Object(map) => {
            head(out, 7, map.len());
            for (key, value) in map {
                write(out, &json!(key));
                // Readers hold each field to its width.
                match key.as_str() {
                    "node_count" => whole(out, 6, 4, value.as_u64().unwrap()),
                    "build_epoch" => whole(out, 9, 8, value.as_u64().unwrap()),
                    _ => write(out, value),
                }
            }
        }
        Value::Array(list) => {
            head(out, 11, list.len());
            list.iter().for_each(|value| write(out, value));
        }
        Value::Null | Value::Bool(_) => unreachable!("no table of networks has any"),
    }
}

/// A number of so many bytes.
fn whole(out: &mut Vec<u8>, kind: u8, width: usize, number: u64) {
    head(out, kind, width);
    out.extend(&number.to_be_bytes()[8 - width..]);
}

/// The kind of a value and its size: below 29 in the first byte, else in the one after the kind. Kinds from 8 on have a
/// byte of their own.
fn head(out: &mut Vec<u8>, kind: u8, size: usize) {
    let short = size.min(29) as u8;
    match kind {
        0..8 => out.push(kind << 5 | short),
        _ => out.extend([short, kind - 7]),
    }
    if size >= 29 {
        out.push(u8::try_from(size - 29).unwrap());
    }
}

//! Sizes in files are believed as far as the file's own length: small archives that claim much are errors that say both.

use std::io::Write;

use worldwright_data::fuzz_reader;

/// An archive of arrays of 64-bit numbers, and of a header as text.
pub(crate) fn archive(arrays: &[(&str, &str, &[f64])], header: Option<&str>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let mut add = |name: &str, descr: &str, shape: &str, body: Vec<u8>| {
        let head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
        zip.write_all(&(head.len() as u16).to_le_bytes()).unwrap();
        zip.write_all(head.as_bytes()).unwrap();
        zip.write_all(&body).unwrap();
    };
    for (name, shape, numbers) in arrays {
        add(name, "<f8", shape, numbers.iter().flat_map(|n| n.to_le_bytes()).collect());
    }
    if let Some(text) = header {
        add("header", "|u1", &format!("({},)", text.len()), text.as_bytes().to_vec());
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn header(space: &str) -> String {
    format!(
        r#"{{"version": 1, "environment": "x", "observation_space": {space:?}, "action_space": "{{\"type\": \"Discrete\", \"n\": 2}}", "seed": 1, "precision": "exact", "versions": [], "notes": []}}"#
    )
}

/// No episode at all.
const NONE: &[(&str, &str, &[f64])] = &[
    ("rewards", "(0,)", &[]),
    ("terminated", "(0,)", &[]),
    ("truncated", "(0,)", &[]),
    ("episode_steps", "(0,)", &[]),
    ("observations", "(0,)", &[]),
    ("actions", "(0,)", &[]),
];

fn refused(arrays: &[(&str, &str, &[f64])], header: Option<&str>) -> String {
    fuzz_reader("npz", &archive(arrays, header)).unwrap_err().to_string()
}

#[test]
fn what_a_file_cannot_hold_is_not_believed() {
    let error = refused(&[("observations", "(0, 1099511627776)", &[]), ("actions", "(0, 1)", &[])], None);
    assert!(error.contains("claims the shape [0, 1099511627776], but holds 0 bytes"), "{error}");

    let wide = header(r#"{"type": "Box", "dtype": "float64", "shape": [16777216], "low": 0, "high": 1}"#);
    let error = refused(NONE, Some(&wide));
    assert!(error.contains("claims 16777216 numbers, but all of the data have"), "{error}");

    for space in [
        r#"{"type": "Discrete", "n": 9223372036854775808}"#,
        r#"{"type": "Discrete", "n": 9223372036854775807}"#,
        r#"{"type": "MultiDiscrete", "nvec": [1e+300, 2]}"#,
        r#"{"type": "MultiDiscrete", "nvec": [9223372036854775807, 9223372036854775807]}"#,
    ] {
        let error = refused(NONE, Some(&header(space)));
        assert!(error.contains("holds") || error.contains("memory") || error.contains("choices"), "{space}: {error}");
    }

    let steps: &[(&str, &str, &[f64])] = &[
        ("rewards", "(3,)", &[0.0; 3]),
        ("terminated", "(3,)", &[0.0; 3]),
        ("truncated", "(3,)", &[0.0; 3]),
        ("episode_steps", "(1,)", &[1e12]),
        ("observations", "(5, 2)", &[0.0; 10]),
        ("actions", "(3, 1)", &[0.0; 3]),
    ];
    let error = refused(steps, Some(&header(r#"{"type": "Dict", "subspaces": {}}"#)));
    assert!(error.contains("'episode_steps' holds 1000000000000, but there are 3 rewards"), "{error}");
    let mut theirs = steps[..3].to_vec();
    theirs.extend([("lengths", "(1,)", &[1e12][..]), steps[4], steps[5]]);
    let error = refused(&theirs, None);
    assert!(error.contains("1000000000000 steps together, the arrays 5 rows"), "{error}");
}

/// How many cases a property or a fuzzer tries: `brief`, which a test takes in seconds, unless `WORLDWRIGHT_FUZZ_CASES` holds a
/// number; `cargo xtask fuzz` sets it.
///
/// # Panics
/// When the variable holds anything but a number: a long run that is brief by a slip proves nothing.
#[must_use]
pub fn cases(brief: u32) -> u32 {
    match std::env::var("WORLDWRIGHT_FUZZ_CASES") {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("WORLDWRIGHT_FUZZ_CASES holds '{text}', which is no number of cases")),
        Err(_) => brief,
    }
}

//! warroom
fn main() {}

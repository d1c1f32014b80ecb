//! The empty process: what it costs to start a program and to see its end.

fn main() {}

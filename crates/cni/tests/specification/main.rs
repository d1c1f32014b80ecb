//! The specification's requirements on a plugin, each named by its number beside its test.

mod config;
mod delegate;
mod example;
mod go;
mod input;
mod negotiation;
mod process;
mod reader;
mod result;
mod skeleton;
mod stage;
mod wire;

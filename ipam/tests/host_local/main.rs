//! host-local as runtimes see it: a program, its answers, and the files it leaves.

mod calls;
mod confirmed;
mod cost;
mod crash;
mod gc;
mod healing;
mod network;
mod operations;
mod reference;
mod sealing;
mod status;
mod trace;

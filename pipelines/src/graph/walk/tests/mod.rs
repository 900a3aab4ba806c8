//! A walk is right where it agrees with an evaluator that is too simple to be wrong, whatever the graph, the order of
//! answers and the failures; and where the cases that are explained to users go as they are explained.

mod draw;
mod ends;
mod make;
mod naive;
mod random;
mod routes;
mod story;

//! The statistics against numbers of others, against themselves in many random cases, and against what they promise.

mod properties;
mod published;
mod reference;
mod shares;
mod simulation;

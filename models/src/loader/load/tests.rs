//! Packages loaded through a loader made for the test.

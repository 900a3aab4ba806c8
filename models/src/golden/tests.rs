//! Tables of examples against models.

//! What became of the requests that a shadow could have seen.

/// Requests, each counted in one of the lines below `sampled` once it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Those that a version computed an answer for, or tried to.
    pub eligible: u64,
    /// Of them, those that the draw picked for the shadow.
    pub sampled: u64,
    /// Of the sampled, those whose answers were compared.
    pub compared: u64,
    /// Of the sampled, those that found the shadow's queue full.
    pub dropped: u64,
    /// Of the sampled, those whose time passed before the shadow had answered.
    pub expired: u64,
    /// Of the sampled, those that met a shadow that took nothing: it was not loaded, or busy with more urgent work.
    pub unavailable: u64,
    /// Of the sampled, those that got no answer which could be compared: the caller left, or the version was too busy.
    pub unanswered: u64,
    /// Second computations of the answering version that it had no time for.
    pub noise_dropped: u64,
}

// === impl Coverage ===

impl Coverage {
    /// Sampled requests that have not ended.
    #[must_use]
    pub fn pending(&self) -> u64 {
        let ended = self.compared + self.lost();
        self.sampled.saturating_sub(ended)
    }

    /// Sampled requests that ended without being compared.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.dropped + self.expired + self.unavailable + self.unanswered
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.eligible += other.eligible;
        self.sampled += other.sampled;
        self.compared += other.compared;
        self.dropped += other.dropped;
        self.expired += other.expired;
        self.unavailable += other.unavailable;
        self.unanswered += other.unanswered;
        self.noise_dropped += other.noise_dropped;
    }
}

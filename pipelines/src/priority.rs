//! How urgent requests are: a few classes, the same on every way in.

/// How urgent a request is. The more urgent class is served first, and shed last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before all others: somebody waits for it.
    High,
    /// Like most.
    #[default]
    Normal,
    /// When there is nothing else to do, though not never.
    Low,
}

impl Priority {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The protocol's number: 1 is the most urgent, a larger one is less so; 0 says nothing. There are three
    /// classes here, so 3 and all beyond are the last.
    #[must_use]
    pub fn from_level(level: u64) -> Option<Self> {
        match level {
            0 => None,
            1 => Some(Self::High),
            2 => Some(Self::Normal),
            3.. => Some(Self::Low),
        }
    }

    /// The class's name, in config and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_the_protocols() {
        let classes = [0, 1, 2, 3, u64::MAX].map(Priority::from_level);
        let [none, rest @ ..] = classes;
        assert_eq!(none, None);
        assert_eq!(
            rest.map(|class| class.map(Priority::as_str)),
            ["high", "normal", "low", "low"].map(Some)
        );
    }
}

//! The vote: element by element what most members say.

/// Sums of weights that differ by less than this part are a tie: 0.1 and 0.2 have as many votes as 0.3.
const TIE: f64 = 1e-9;

/// What has the most votes of the members, and where several have, what the earliest of their members says. A member of
/// weight 0 has no say. The members have as many elements each.
pub(super) fn vote<T: Clone + PartialEq>(of: &[&[T]], weights: &[f64]) -> Vec<T> {
    let voters: Vec<_> = of.iter().zip(weights).filter(|(_, w)| **w > 0.0).collect();
    let Some(((first, _), others)) = voters.split_first() else {
        return Vec::new();
    };
    let one = |at: usize| {
        if others.iter().all(|(voter, _)| voter[at] == first[at]) {
            return first[at].clone();
        }
        let votes = |label: &T| -> f64 {
            let same = voters.iter().filter(|(voter, _)| voter[at] == *label);
            same.map(|(_, weight)| **weight).sum()
        };
        let (mut best, mut most) = (&first[at], votes(&first[at]));
        for (voter, _) in others {
            let votes = votes(&voter[at]);
            if votes > most * (1.0 + TIE) {
                (best, most) = (&voter[at], votes);
            }
        }
        best.clone()
    };
    (0..first.len()).map(one).collect()
}

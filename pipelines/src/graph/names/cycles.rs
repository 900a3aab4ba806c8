//! The order of nodes, and what stands in its way.

use std::collections::{BTreeSet, VecDeque};

use super::Edge;

/// Cycles: no two share a node, and every node that waits for itself leads to one of them. Each goes the shortest way
/// round, as the places of its nodes, each with the edge to the next.
pub(super) fn find<'e>(next: &[Vec<(usize, &'e Edge)>]) -> Vec<Vec<(usize, &'e Edge)>> {
    let mut told = BTreeSet::new();
    let mut cycles = Vec::new();
    for start in 0..next.len() {
        if told.contains(&start) {
            continue;
        }
        let Some(way) = back(next, start) else {
            continue;
        };
        let all: BTreeSet<usize> = way.iter().map(|(place, _)| *place).collect();
        if all.is_disjoint(&told) {
            cycles.push(way);
        }
        told.extend(all);
    }
    cycles
}

/// The shortest way from a node back to itself.
fn back<'e>(next: &[Vec<(usize, &'e Edge)>], start: usize) -> Option<Vec<(usize, &'e Edge)>> {
    let mut came: Vec<Option<(usize, &Edge)>> = vec![None; next.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(place) = queue.pop_front() {
        for &(to, edge) in &next[place] {
            if came[to].is_some() {
                continue;
            }
            came[to] = Some((place, edge));
            if to != start {
                queue.push_back(to);
                continue;
            }
            let mut way = Vec::new();
            let mut at = start;
            while let Some((before, edge)) = came[at] {
                way.push((before, edge));
                at = before;
                if at == start {
                    break;
                }
            }
            way.reverse();
            return Some(way);
        }
    }
    None
}

/// The nodes, each after all that it names, and of those that could come next the first by name. Nodes on a cycle, and those
/// that name them, are left out.
pub(super) fn order<'n>(
    next: &[Vec<(usize, &Edge)>],
    name: impl Fn(usize) -> &'n str,
) -> Vec<usize> {
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); next.len()];
    let mut waits: Vec<usize> = Vec::with_capacity(next.len());
    for (place, named) in next.iter().enumerate() {
        let named: BTreeSet<usize> = named.iter().map(|(to, _)| *to).collect();
        waits.push(named.len());
        for to in named {
            readers[to].push(place);
        }
    }
    let free = (0..next.len()).filter(|&place| waits[place] == 0);
    let mut ready: BTreeSet<(&str, usize)> = free.map(|place| (name(place), place)).collect();
    let mut order = Vec::with_capacity(next.len());
    while let Some((_, place)) = ready.pop_first() {
        order.push(place);
        for &reader in &readers[place] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                ready.insert((name(reader), reader));
            }
        }
    }
    order
}

//! A search in a sorted list that tries the place after the last find first.
//!
//! The kernel tells routes and next hops in the order of their addresses and numbers, in which ours are sorted too.

use std::cell::Cell;
use std::cmp::Ordering;

/// Where the next search begins.
#[derive(Debug, Default)]
pub(super) struct Cursor(Cell<usize>);

impl Cursor {
    /// The place for which `compare` says [`Ordering::Equal`], as in [`slice::binary_search_by`].
    pub(super) fn find<T>(&self, list: &[T], compare: impl Fn(&T) -> Ordering) -> Option<usize> {
        let next = self.0.get();
        let place = match list.get(next) {
            Some(item) if compare(item).is_eq() => next,
            _ => list.binary_search_by(compare).ok()?,
        };
        self.0.set(place + 1);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_found_in_order_and_out_of_order() {
        let (list, cursor) = ([1, 3, 5, 7], Cursor::default());
        let find = |wanted: i32| cursor.find(&list, |item| item.cmp(&wanted));
        let found: Vec<_> = [1, 3, 5, 7, 7, 1, 2, 3, 9, 5].into_iter().map(find).collect();
        let (a, b, c, d) = (Some(0), Some(1), Some(2), Some(3));
        assert_eq!(found, [a, b, c, d, d, a, None, b, None, c]);
    }
}

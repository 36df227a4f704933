//! Ordered maps and sets as sorted vectors.
//!
//! The standard library's B-trees are compiled anew for each pair of key and value, at some 11 KB
//! of WASM each: 250 of 560 KB in all (measured 2026-11-20). The collections here are bounded and
//! mostly small, and new keys mostly come last, so a sorted vector is as fast: a lookup is a binary
//! search, an insertion in the middle moves what follows.
//!
//! Keys lie apart from values, so that what looks at keys only is compiled once for each key.

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::iter::Zip;
use core::slice;

/// A map in the order of its keys, with the methods of the standard library's `BTreeMap`.
#[derive(Clone, PartialEq, Eq)]
pub struct Map<K, V> {
    keys: Set<K>,
    /// Invariant: as many as keys, in their order.
    values: Vec<V>,
}

/// A set in order, with the methods of the standard library's `BTreeSet`.
#[derive(Clone, PartialEq, Eq)]
pub struct Set<K>(Vec<K>);

/// The place of a key in a map, filled or not.
#[derive(Debug)]
pub struct Entry<'a, K, V> {
    map: &'a mut Map<K, V>,
    key: K,
}

impl<K, V> Map<K, V> {
    /// Makes an empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self { keys: Set::new(), values: Vec::new() }
    }

    /// Returns how many entries there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Removes all entries.
    pub fn clear(&mut self) {
        self.keys.0.clear();
        self.values.clear();
    }

    /// Iterates in the order of the keys.
    pub fn iter(&self) -> Zip<slice::Iter<'_, K>, slice::Iter<'_, V>> {
        self.keys.iter().zip(&self.values)
    }

    /// Iterates in the order of the keys.
    pub fn iter_mut(&mut self) -> Zip<slice::Iter<'_, K>, slice::IterMut<'_, V>> {
        self.keys.iter().zip(&mut self.values)
    }

    /// Iterates over the keys in order.
    pub fn keys(&self) -> slice::Iter<'_, K> {
        self.keys.iter()
    }

    /// Returns the keys.
    pub const fn key_set(&self) -> &Set<K> {
        &self.keys
    }

    /// Iterates over the values in the order of their keys.
    pub fn values(&self) -> slice::Iter<'_, V> {
        self.values.iter()
    }

    /// Iterates over the values in the order of their keys.
    pub fn values_mut(&mut self) -> slice::IterMut<'_, V> {
        self.values.iter_mut()
    }

    /// Gives the keys in order.
    pub fn into_keys(self) -> alloc::vec::IntoIter<K> {
        self.keys.into_iter()
    }

    /// Gives the values in the order of their keys.
    pub fn into_values(self) -> alloc::vec::IntoIter<V> {
        self.values.into_iter()
    }

    /// Returns the entry with the least key.
    #[must_use]
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.keys.first().zip(self.values.first())
    }

    /// Returns the entry with the greatest key.
    #[must_use]
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.keys.last().zip(self.values.last())
    }

    /// Removes the entry with the least key.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        self.keys.pop_first().map(|key| (key, self.values.remove(0)))
    }

    /// Removes the entry whose value ranks least; of several the one with the least key.
    pub fn remove_least_by<R: Ord>(&mut self, rank: impl Fn(&V) -> R) {
        let ranked = self.values.iter().enumerate().min_by_key(|(_, value)| rank(value));
        if let Some((index, _)) = ranked {
            self.keys.0.remove(index);
            self.values.remove(index);
        }
    }

    /// Keeps those entries that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        let keys = &mut self.keys.0;
        let mut kept = 0;
        for index in 0..keys.len() {
            let (Some(key), Some(value)) = (keys.get(index), self.values.get_mut(index)) else {
                break;
            };
            if keep(key, value) {
                if kept < index {
                    keys.swap(kept, index);
                    self.values.swap(kept, index);
                }
                kept += 1;
            }
        }
        keys.truncate(kept);
        self.values.truncate(kept);
    }
}

impl<K: Ord, V> Map<K, V> {
    /// Returns the value of `key`.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.values.get(self.keys.find(key).ok()?)
    }

    /// Returns the value of `key`.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.values.get_mut(self.keys.find(key).ok()?)
    }

    /// Returns whether `key` has a value.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.keys.contains(key)
    }

    /// Sets the value of `key`; gives the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.keys.find(&key) {
            Ok(index) => Some(core::mem::replace(self.values.get_mut(index)?, value)),
            Err(index) => {
                self.keys.0.insert(index, key);
                self.values.insert(index, value);
                None
            }
        }
    }

    /// Removes `key`; gives the value that it had.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let index = self.keys.find(key).ok()?;
        self.keys.0.remove(index);
        Some(self.values.remove(index))
    }

    /// Returns the place of `key`, to fill it if it is empty.
    pub const fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Entry { map: self, key }
    }

    /// Moves all entries of `other` over here; they replace those of the same key.
    pub fn append(&mut self, other: &mut Self) {
        self.extend(core::mem::take(other));
    }
}

/// Counters by name.
impl Map<&'static str, u64> {
    /// Counts one more.
    #[inline(never)]
    pub fn count(&mut self, name: &'static str) {
        self.count_more(name, 1);
    }

    /// Counts so many more.
    #[inline(never)]
    pub fn count_more(&mut self, name: &'static str, more: u64) {
        let count = self.entry(name).or_default();
        *count = count.saturating_add(more);
    }
}

impl<'a, K: Ord, V> Entry<'a, K, V> {
    /// Returns the value, `value()` if there was none.
    pub fn or_insert_with(self, value: impl FnOnce() -> V) -> &'a mut V {
        let Self { map, key } = self;
        let index = match map.keys.find(&key) {
            Ok(index) => index,
            Err(index) => {
                map.keys.0.insert(index, key);
                map.values.insert(index, value());
                index
            }
        };
        // The value was found or put at this very place.
        #[allow(clippy::indexing_slicing)]
        &mut map.values[index]
    }

    /// Returns the value, `value` if there was none.
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// Returns the value, the default one if there was none.
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Ord, V> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<'a, K: Ord + Copy, V: Copy> Extend<(&'a K, &'a V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (&'a K, &'a V)>>(&mut self, entries: I) {
        self.extend(entries.into_iter().map(|(key, value)| (*key, *value)));
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

/// For tests only: it panics where there is no such key.
#[cfg(test)]
impl<K: Ord + Borrow<Q>, Q: Ord + ?Sized, V> core::ops::Index<&Q> for Map<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("the key is in")
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = Zip<alloc::vec::IntoIter<K>, alloc::vec::IntoIter<V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.keys.into_iter().zip(self.values)
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Zip<slice::Iter<'a, K>, slice::Iter<'a, V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V> IntoIterator for &'a mut Map<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = Zip<slice::Iter<'a, K>, slice::IterMut<'a, V>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<K> Set<K> {
    /// Makes an empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns how many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates in order.
    pub fn iter(&self) -> slice::Iter<'_, K> {
        self.0.iter()
    }

    /// Returns the least.
    #[must_use]
    pub fn first(&self) -> Option<&K> {
        self.0.first()
    }

    /// Returns the greatest.
    #[must_use]
    pub fn last(&self) -> Option<&K> {
        self.0.last()
    }

    /// Removes the least.
    pub fn pop_first(&mut self) -> Option<K> {
        if self.0.is_empty() { None } else { Some(self.0.remove(0)) }
    }

    /// Keeps those that `keep` says.
    pub fn retain(&mut self, keep: impl FnMut(&K) -> bool) {
        self.0.retain(keep);
    }
}

impl<K: Ord> Set<K> {
    /// Returns whether it is in.
    pub fn contains<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// Puts it in; returns whether it was not.
    pub fn insert(&mut self, key: K) -> bool {
        let place = self.find(&key);
        if let Err(index) = place {
            self.0.insert(index, key);
        }
        place.is_err()
    }

    /// Takes it out; returns whether it was in.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let place = self.find(key);
        if let Ok(index) = place {
            self.0.remove(index);
        }
        place.is_ok()
    }

    /// Moves all of `other` over here.
    pub fn append(&mut self, other: &mut Self) {
        self.extend(core::mem::take(other));
    }

    /// Returns where it is, or where it would have to be put.
    #[inline(never)]
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        // The newest key is mostly the greatest: ids are counted upwards.
        match self.0.last() {
            Some(last) if last.borrow() < key => Err(self.0.len()),
            _ => self.0.binary_search_by(|probe| probe.borrow().cmp(key)),
        }
    }
}

impl<K> Default for Set<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug> fmt::Debug for Set<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl<K: Ord> Extend<K> for Set<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        for key in keys {
            self.insert(key);
        }
    }
}

impl<'a, K: Ord + Copy> Extend<&'a K> for Set<K> {
    fn extend<I: IntoIterator<Item = &'a K>>(&mut self, keys: I) {
        self.extend(keys.into_iter().copied());
    }
}

impl<K: Ord> FromIterator<K> for Set<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        // In one go: all chunks of a large store, one by one, would move the rest each time. A heap
        // is a tenth of the code of the standard library's sorts.
        let heap: alloc::collections::BinaryHeap<K> = keys.into_iter().collect();
        let mut keys = heap.into_sorted_vec();
        keys.dedup();
        Self(keys)
    }
}

impl<K: Ord, const N: usize> From<[K; N]> for Set<K> {
    fn from(keys: [K; N]) -> Self {
        keys.into_iter().collect()
    }
}

impl<K> IntoIterator for Set<K> {
    type Item = K;
    type IntoIter = alloc::vec::IntoIter<K>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K> IntoIterator for &'a Set<K> {
    type Item = &'a K;
    type IntoIter = slice::Iter<'a, K>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Op {
        Insert(u8, u16),
        Remove(u8),
        Add(u8),
        PopFirst,
        KeepOdd,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (any::<u8>(), any::<u16>()).prop_map(|(key, value)| Op::Insert(key, value)),
            any::<u8>().prop_map(Op::Remove),
            any::<u8>().prop_map(Op::Add),
            Just(Op::PopFirst),
            Just(Op::KeepOdd),
        ]
    }

    proptest! {
        #[test]
        fn a_map_does_what_the_standard_one_does(ops in prop::collection::vec(op(), 0..200)) {
            let (mut map, mut model) = (Map::new(), BTreeMap::new());
            for op in ops {
                match op {
                    Op::Insert(key, value) => {
                        prop_assert_eq!(map.insert(key, value), model.insert(key, value));
                    }
                    Op::Remove(key) => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                    Op::Add(key) => {
                        let (ours, theirs) = (map.entry(key), model.entry(key));
                        let (ours, theirs) = (ours.or_default(), theirs.or_default());
                        *ours = ours.wrapping_add(1);
                        *theirs = theirs.wrapping_add(1);
                    }
                    Op::PopFirst => prop_assert_eq!(map.pop_first(), model.pop_first()),
                    Op::KeepOdd => {
                        map.retain(|_, value| *value % 2 == 1);
                        model.retain(|_, value| *value % 2 == 1);
                    }
                }
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.first_key_value(), model.first_key_value());
                prop_assert_eq!(map.last_key_value(), model.last_key_value());
            }
            prop_assert!(map.iter().eq(&model));
            prop_assert!(map.into_iter().eq(model));
        }

        #[test]
        fn a_set_does_what_the_standard_one_does(keys: Vec<u8>, more: Vec<u8>, gone: Vec<u8>) {
            let mut set: Set<u8> = keys.iter().copied().collect();
            let mut model: BTreeSet<u8> = keys.iter().copied().collect();
            for key in more {
                prop_assert_eq!(set.insert(key), model.insert(key));
            }
            for key in gone {
                prop_assert_eq!(set.contains(&key), model.contains(&key));
                prop_assert_eq!(set.remove(&key), model.remove(&key));
            }
            prop_assert!(set.iter().eq(&model));
            prop_assert_eq!(set.pop_first(), model.pop_first());
            prop_assert_eq!((set.first(), set.last()), (model.first(), model.last()));
        }
    }
}

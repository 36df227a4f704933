//! Who can be found by one tag.

use std::collections::BTreeMap;

use super::ConnId;

/// The members of a tag: at most `members_per_tag_max` together.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Those who are connected to somebody: through them a newcomer finds the rest.
    pub(super) linked: Bag,
    /// The others.
    pub(super) alone: Bag,
}

impl Room {
    pub(super) fn len(&self) -> usize {
        self.linked.members.len() + self.alone.members.len()
    }

    pub(super) fn insert(&mut self, conn: ConnId, is_linked: bool) {
        let (to, from) = if is_linked {
            (&mut self.linked, &mut self.alone)
        } else {
            (&mut self.alone, &mut self.linked)
        };
        from.remove(conn);
        to.insert(conn);
    }

    pub(super) fn remove(&mut self, conn: ConnId) {
        self.linked.remove(conn);
        self.alone.remove(conn);
    }

    pub(super) fn contains(&self, conn: ConnId) -> bool {
        self.linked.places.contains_key(&conn) || self.alone.places.contains_key(&conn)
    }
}

/// A set that anyone can be drawn from by chance, in no more time if it is large.
#[derive(Debug, Default)]
pub(super) struct Bag {
    members: Vec<ConnId>,
    /// Where each is in `members`.
    places: BTreeMap<ConnId, usize>,
}

impl Bag {
    fn insert(&mut self, conn: ConnId) {
        if self.places.contains_key(&conn) {
            return;
        }
        self.places.insert(conn, self.members.len());
        self.members.push(conn);
    }

    fn remove(&mut self, conn: ConnId) {
        let Some(place) = self.places.remove(&conn) else { return };
        self.members.swap_remove(place);
        if let Some(moved) = self.members.get(place) {
            self.places.insert(*moved, place);
        }
    }

    /// Draws up to `count` of them: a stretch from each of some places on, so that few numbers draw
    /// many.
    pub(super) fn draw(&self, numbers: &[u64], count: usize) -> Vec<ConnId> {
        let total = self.members.len();
        if total <= count {
            return self.members.clone();
        }
        let stretch = count.div_ceil(numbers.len().max(1));
        let mut drawn = Vec::with_capacity(count);
        for number in numbers {
            let start = usize::try_from(number % u64::try_from(total).unwrap_or(1)).unwrap_or(0);
            let places = (start..total).chain(0..start).take(stretch);
            for conn in places.filter_map(|place| self.members.get(place)) {
                if drawn.len() < count && !drawn.contains(conn) {
                    drawn.push(*conn);
                }
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bag_is_a_set(steps: Vec<(bool, u8)>) {
            let (mut bag, mut model) = (Bag::default(), std::collections::BTreeSet::new());
            for (is_added, conn) in steps {
                let conn = ConnId(u64::from(conn % 32));
                if is_added {
                    bag.insert(conn);
                    model.insert(conn);
                } else {
                    bag.remove(conn);
                    model.remove(&conn);
                }
                let mut all = bag.draw(&[], 100);
                all.sort_unstable();
                prop_assert_eq!(all, model.iter().copied().collect::<Vec<_>>());
            }
        }

        #[test]
        fn a_draw_names_members_and_each_once(total in 1_u64..50, numbers: [u64; 4], count in 1_usize..20) {
            let mut bag = Bag::default();
            (0..total).for_each(|conn| bag.insert(ConnId(conn)));
            let mut drawn = bag.draw(&numbers, count);
            let length = drawn.len();
            drawn.sort_unstable();
            drawn.dedup();
            prop_assert_eq!(drawn.len(), length);
            prop_assert!(length <= count && length > 0);
            prop_assert!(drawn.iter().all(|conn| conn.0 < total));
        }
    }

    #[test]
    fn a_member_is_linked_or_alone_and_never_both() {
        let (mut room, conn) = (Room::default(), ConnId(1));
        room.insert(conn, false);
        room.insert(conn, true);
        assert_eq!((room.len(), room.contains(conn)), (1, true));
        room.remove(conn);
        assert_eq!((room.len(), room.contains(conn)), (0, false));
    }
}

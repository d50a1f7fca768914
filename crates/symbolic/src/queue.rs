//! A monotone priority queue: a bucket a cost, and a heap for the costs beyond the last bucket (Dial, CACM 12, 1969).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Buckets at most; a cost beyond goes to the heap.
const BUCKETS: usize = 1024;

/// Numbers by rising cost. What is pushed must not cost less than what was popped last.
#[derive(Debug, Clone, Default)]
pub(crate) struct BucketQueue {
    buckets: Vec<Vec<u32>>,
    current: usize,
    /// Entries in the buckets.
    count: usize,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
}

impl BucketQueue {
    /// Empties the queue.
    pub(crate) fn clear(&mut self) {
        if self.count > 0 {
            self.buckets.iter_mut().for_each(Vec::clear);
        }
        self.heap.clear();
        (self.current, self.count) = (0, 0);
    }

    #[inline]
    pub(crate) fn push(&mut self, cost: u32, value: u32) {
        let bucket = cost as usize;
        if bucket >= BUCKETS {
            self.heap.push(Reverse((cost, value)));
            return;
        }
        if bucket >= self.buckets.len() {
            self.buckets.resize_with(bucket + 1, Vec::new);
        }
        self.buckets[bucket].push(value);
        self.count += 1;
    }

    /// The cheapest entry; of equals the one pushed last, but for those of the heap, which come by number.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<(u32, u32)> {
        if self.count == 0 {
            return self.heap.pop().map(|Reverse(entry)| entry);
        }
        loop {
            if let Some(value) = self.buckets[self.current].pop() {
                self.count -= 1;
                return Some((self.current as u32, value));
            }
            self.current += 1;
        }
    }
}

//! Metric points as bytes. A block is a version, its keys, and columns of keys, steps, times and values; whole numbers are
//! written as differences to the one before, seven bits to a byte.

use crate::error::Error;
use remuda_model::run::tracked::Point;
use std::collections::HashMap;

const VERSION: u8 = 1;

/// The bits of the one NaN that we write.
const NOT_A_NUMBER: u64 = 0x7ff8_0000_0000_0000;

/// The bytes of these points.
pub(super) fn encode<'a>(points: impl ExactSizeIterator<Item = &'a Point> + Clone) -> Vec<u8> {
    let mut keys: Vec<&str> = Vec::new();
    let mut places: HashMap<&str, u64> = HashMap::new();
    for point in points.clone() {
        places.entry(&point.key).or_insert_with(|| {
            keys.push(&point.key);
            keys.len() as u64 - 1
        });
    }
    let mut bytes = Vec::with_capacity(16 + points.len() * 14);
    bytes.push(VERSION);
    put(&mut bytes, keys.len() as u64);
    for key in &keys {
        put(&mut bytes, key.len() as u64);
        bytes.extend_from_slice(key.as_bytes());
    }
    put(&mut bytes, points.len() as u64);
    let (mut step, mut time) = (0_i64, 0_i64);
    for point in points {
        if keys.len() > 1 {
            put(&mut bytes, places[point.key.as_str()]);
        }
        put(&mut bytes, zigzag(point.step.wrapping_sub(step)));
        put(&mut bytes, zigzag(point.time.wrapping_sub(time)));
        (step, time) = (point.step, point.time);
        let bits = point.value.map_or(NOT_A_NUMBER, f64::to_bits);
        bytes.extend_from_slice(&bits.to_le_bytes());
    }
    bytes
}

/// The points of a block.
///
/// # Errors
/// The bytes are no block.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Point>, Error> {
    let mut points = Vec::new();
    read(bytes, |key, point| {
        points.push(Point { key: key.to_owned(), value: point.0, step: point.1, time: point.2 });
    })
    .ok_or_else(|| Error::Invalid { message: "a block of metric points is damaged".to_owned() })?;
    Ok(points)
}

fn read(bytes: &[u8], mut each: impl FnMut(&str, (Option<f64>, i64, i64))) -> Option<()> {
    let mut rest = bytes.strip_prefix(&[VERSION])?;
    let count = take(&mut rest)?;
    let mut keys = Vec::new();
    for _ in 0..count {
        let length = usize::try_from(take(&mut rest)?).ok()?;
        let (key, after) = rest.split_at_checked(length)?;
        keys.push(std::str::from_utf8(key).ok()?);
        rest = after;
    }
    let count = take(&mut rest)?;
    let (mut step, mut time) = (0_i64, 0_i64);
    for _ in 0..count {
        let place = if keys.len() > 1 { usize::try_from(take(&mut rest)?).ok()? } else { 0 };
        step = step.wrapping_add(unzigzag(take(&mut rest)?));
        time = time.wrapping_add(unzigzag(take(&mut rest)?));
        let (bits, after) = rest.split_first_chunk::<8>()?;
        rest = after;
        let value = f64::from_bits(u64::from_le_bytes(*bits));
        each(keys.get(place)?, (Some(value).filter(|value| !value.is_nan()), step, time));
    }
    rest.is_empty().then_some(())
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn point(key: &str, value: Option<f64>, step: i64, time: i64) -> Point {
        Point { key: key.to_owned(), value, step, time }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let all = [
            point("loss", Some(0.1 + 0.2), 0, 1_700_000_000_000),
            point("loss", None, i64::MAX, i64::MIN),
            point("größe/x y", Some(-0.0), i64::MIN, i64::MAX),
            point("loss", Some(f64::MAX), -1, 0),
        ];
        assert_eq!(decode(&encode(all.iter())).unwrap(), all);
        assert_eq!(decode(&encode([].iter())).unwrap(), []);
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_panic() {
        let bytes = encode([point("a", Some(1.0), 1, 2), point("b", Some(2.0), 3, 4)].iter());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
        for place in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[place] ^= 0xff;
            let _ = decode(&broken);
        }
    }

    #[test]
    fn a_thousand_points_of_one_metric_take_eleven_bytes_each() {
        let points: Vec<Point> =
            (0..1000).map(|step| point("loss", Some(0.5), step, 1_700_000_000_000 + step * 100)).collect();
        assert!(encode(points.iter()).len() < 11_100);
    }
}

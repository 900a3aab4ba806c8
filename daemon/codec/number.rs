//! JSON numbers, read in one pass and turned into whole numbers or floats exactly.
//!
//! Short decimals take a fast path that is exact (Clinger, "How to read floating point numbers accurately",
//! PLDI 1990); the others go through the standard library's parser. What a number is for is not known here.

/// A number as it stands in the text, scanned but not rounded.
pub(super) struct Number<'a> {
    text: &'a [u8],
    negative: bool,
    /// The digits without the point; of no use unless `complete`.
    mantissa: u64,
    /// The power of ten that the mantissa is multiplied with.
    exponent: i32,
    /// Whether the mantissa holds every digit.
    complete: bool,
}

/// Digits that fit 64 bits whatever they are. Leading zeros count as well: a number with more takes the slow path,
/// which is exact too.
const MANTISSA_DIGITS: usize = 19;

/// Powers of ten that are exact as doubles.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

// === impl Number ===

impl<'a> Number<'a> {
    /// The number at the front of the bytes, by the grammar of RFC 8259.
    #[inline]
    pub(super) fn scan(bytes: &'a [u8]) -> Option<Self> {
        let negative = bytes.first() == Some(&b'-');
        let whole = usize::from(negative);
        let (mut mantissa, mut at) = few_digits(bytes, whole, 0);
        let leading_zero = bytes.get(whole) == Some(&b'0');
        if at == whole || (leading_zero && at > whole + 1) {
            return None;
        }
        let (mut count, mut exponent) = (at - whole, 0);
        if bytes.get(at) == Some(&b'.') {
            let point = at + 1;
            (mantissa, at) = digits(bytes, point, mantissa);
            if at == point {
                return None;
            }
            count += at - point;
            // Longer fractions are not complete, so their exponent is of no use.
            exponent = -i32::try_from(at - point).unwrap_or(i32::MAX);
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            let (power, end) = power(bytes, at + 1)?;
            (exponent, at) = (exponent.saturating_add(power), end);
        }
        Some(Self {
            text: &bytes[..at],
            negative,
            mantissa,
            exponent,
            complete: count <= MANTISSA_DIGITS,
        })
    }

    /// Bytes that the number takes in the text.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// The number, where it is whole and of a size that any integer datatype could have.
    #[inline]
    pub(super) fn whole(&self) -> Option<i128> {
        let magnitude = if self.complete && self.exponent == 0 {
            i128::from(self.mantissa)
        } else {
            self.long_whole()?
        };
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// The nearest double, where it is finite.
    #[inline]
    pub(super) fn double(&self) -> Option<f64> {
        let double = match self.short_double() {
            Some(double) => double,
            None => self.text().parse().ok()?,
        };
        double.is_finite().then_some(double)
    }

    /// The nearest float, where it is finite.
    #[inline]
    pub(super) fn float(&self) -> Option<f32> {
        // Rounding twice is wrong only where the double is exactly half way between two floats, or where
        // floats are subnormal.
        let once = |double: &f64| {
            let half_way = double.to_bits() & 0x1fff_ffff == 0x1000_0000;
            !half_way && (*double == 0.0 || double.abs() >= f64::from(f32::MIN_POSITIVE))
        };
        let float = match self.short_double().filter(once) {
            #[allow(clippy::cast_possible_truncation, reason = "this is the rounding")]
            Some(double) => double as f32,
            None => self.text().parse().ok()?,
        };
        float.is_finite().then_some(float)
    }

    /// The nearest double, where mantissa and power are both exact, so that one operation rounds once.
    #[inline]
    fn short_double(&self) -> Option<f64> {
        let power = POWERS.get(self.exponent.unsigned_abs() as usize)?;
        if !self.complete || self.mantissa > 1 << 53 {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "at most 2^53")]
        let mantissa = self.mantissa as f64;
        let double = if self.exponent < 0 {
            mantissa / power
        } else {
            mantissa * power
        };
        Some(if self.negative { -double } else { double })
    }

    /// The magnitude of a whole number that is written with a point, an exponent or very many digits.
    #[cold]
    fn long_whole(&self) -> Option<i128> {
        let text = self.text();
        let digits = text.split(['e', 'E']).next().unwrap_or_default();
        let digits = digits.trim_start_matches('-');
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        let nonzero = all().enumerate().filter(|&(_, digit)| digit != b'0');
        let Some((last, _)) = nonzero.last() else {
            return Some(0);
        };
        let power = match text.find(['e', 'E']) {
            None => 0,
            // An exponent that does not fit is beyond every datatype, in either direction.
            Some(at) => text[at + 1..].parse::<i64>().ok()?,
        };
        // The value is the digits up to the last that is not zero, times ten to this power.
        let scale = i64::try_from(whole.len()).ok()? - i64::try_from(last + 1).ok()?;
        let scale = usize::try_from(power.checked_add(scale)?).ok()?;
        let mut magnitude = 0i128;
        let zeros = std::iter::repeat_n(b'0', scale.min(40));
        for digit in all().take(last + 1).chain(zeros) {
            magnitude = magnitude
                .checked_mul(10)?
                .checked_add(i128::from(digit - b'0'))?;
        }
        (scale <= 40).then_some(magnitude)
    }

    fn text(&self) -> &'a str {
        std::str::from_utf8(self.text).expect("a scanned number is ASCII")
    }
}

// === scanning ===

/// Appends the digits from a place on to a mantissa; the mantissa and the place behind them. Of more digits than fit,
/// the mantissa is of no use.
#[inline]
fn digits(bytes: &[u8], mut at: usize, mut mantissa: u64) -> (u64, usize) {
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk)
        && let Some(value) = eight_digits(*eight)
    {
        mantissa = mantissa.wrapping_mul(100_000_000).wrapping_add(value);
        at += 8;
    }
    few_digits(bytes, at, mantissa)
}

/// The same where there are few, as before the point of most numbers.
#[inline]
fn few_digits(bytes: &[u8], mut at: usize, mut mantissa: u64) -> (u64, usize) {
    while let Some(byte) = bytes.get(at) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (mantissa, at)
}

/// The power of ten behind an `e`, and the place behind it.
fn power(bytes: &[u8], mut at: usize) -> Option<(i32, usize)> {
    let negative = bytes.get(at) == Some(&b'-');
    if let Some(b'+' | b'-') = bytes.get(at) {
        at += 1;
    }
    let start = at;
    let mut power = 0i32;
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        power = power
            .saturating_mul(10)
            .saturating_add(i32::from(digit - b'0'));
        at += 1;
    }
    (at > start).then_some((if negative { -power } else { power }, at))
}

/// The number that eight digits write, where all of them are digits: pairs, fours and all eight are put together
/// within one word (Lemire, "Number parsing at a gigabyte per second", Software: Practice and Experience 2021).
#[inline]
fn eight_digits(bytes: [u8; 8]) -> Option<u64> {
    const ZEROS: u64 = u64::from_le_bytes(*b"00000000");
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    const MASK: u64 = 0x0000_00ff_0000_00ff;
    let word = u64::from_le_bytes(bytes);
    // A digit has 3 above, and with six added it still has.
    if word & HIGH != ZEROS || word.wrapping_add(SIXES) & HIGH != ZEROS {
        return None;
    }
    let digits = word - ZEROS;
    let pairs = digits * 10 + (digits >> 8);
    let outer = (pairs & MASK).wrapping_mul(100 + (1_000_000 << 32));
    let inner = ((pairs >> 16) & MASK).wrapping_mul(1 + (10_000 << 32));
    Some(outer.wrapping_add(inner) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(text: &str) -> Number<'_> {
        let number = Number::scan(text.as_bytes()).unwrap();
        assert_eq!(number.len(), text.len(), "{text}");
        number
    }

    #[test]
    fn whole_numbers_are_exact() {
        for (text, whole) in [
            ("0", Some(0)),
            ("-0.0", Some(0)),
            ("0e99999999999999999999", Some(0)),
            ("1.0", Some(1)),
            ("-12.500e1", Some(-125)),
            ("1e3", Some(1000)),
            ("1.0000000000000000000000000", Some(1)),
            ("18446744073709551615", Some(18_446_744_073_709_551_615)),
            ("1000e-3", Some(1)),
            ("1000e-4", None),
            ("1.5", None),
            ("1.00000000000000000000000001", None),
            ("1e40", None),
            ("1e41", None),
            ("1e99999999999999999999", None),
            ("1e-99999999999999999999", None),
        ] {
            assert_eq!(scan(text).whole(), whole, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_scanned() {
        for text in [
            "", "-", "01", "+1", ".5", "1.", "1e", "1e+", "x", "-x", "1.e3",
        ] {
            assert!(Number::scan(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn floats_that_would_be_infinite_are_none() {
        assert_eq!(scan("1e400").double(), None);
        assert_eq!(scan("3.5e38").float(), None);
        assert_eq!(scan("3.4028235e38").float(), Some(f32::MAX));
        assert_eq!(scan("1e-400").double(), Some(0.0));
        assert_eq!(
            scan("-0.0").double().map(f64::to_bits),
            Some((-0.0f64).to_bits())
        );
    }

    #[test]
    fn eight_digits_are_digits_only() {
        assert_eq!(eight_digits(*b"00000000"), Some(0));
        assert_eq!(eight_digits(*b"12345678"), Some(12_345_678));
        assert_eq!(eight_digits(*b"99999999"), Some(99_999_999));
        for at in 0..8 {
            for byte in (0..=255u8).filter(|byte| !byte.is_ascii_digit()) {
                let mut bytes = *b"98765432";
                bytes[at] = byte;
                assert_eq!(eight_digits(bytes), None, "{byte} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn floats_are_those_of_the_standard_library(text in r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?") {
            let number = scan(&text);
            let double: f64 = text.parse().unwrap();
            let float: f32 = text.parse().unwrap();
            prop_assert_eq!(number.double().map(f64::to_bits), double.is_finite().then(|| double.to_bits()));
            prop_assert_eq!(number.float().map(f32::to_bits), float.is_finite().then(|| float.to_bits()));
        }

        #[test]
        fn half_way_floats_round_once(bits in any::<u32>(), nudge in 0u8..3) {
            let low = f32::from_bits(bits);
            let high = f32::from_bits(bits.wrapping_add(1));
            prop_assume!(low.is_finite() && high.is_finite());
            let middle = (f64::from(low) + f64::from(high)) / 2.0;
            let middle = f64::from_bits(middle.to_bits().wrapping_add(u64::from(nudge)).wrapping_sub(1));
            let text = serde_json::to_string(&middle).unwrap();
            prop_assert_eq!(scan(&text).float(), text.parse().ok().filter(|f: &f32| f.is_finite()));
        }

        #[test]
        fn integers_are_themselves(whole in any::<i128>()) {
            let text = whole.to_string();
            prop_assert_eq!(scan(&text).whole(), Some(whole).filter(|w| *w != i128::MIN));
        }
    }
}

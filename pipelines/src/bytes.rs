//! Numbers in a row of bytes, the low byte first, after a byte for the version.

/// The version that is written.
pub(crate) const VERSION: u8 = 1;

/// Bytes that grow.
pub(crate) struct Writer(pub(crate) Vec<u8>);

/// Bytes that are read from the front.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

// === impl Writer ===

impl Writer {
    pub(crate) fn new() -> Self {
        Self(vec![VERSION])
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    pub(crate) fn reals(&mut self, reals: &[f64]) {
        reals.iter().for_each(|real| self.number(real.to_bits()));
    }

    pub(crate) fn bits(&mut self, bits: &[u128]) {
        bits.iter()
            .for_each(|bits| self.0.extend(bits.to_le_bytes()));
    }

    pub(crate) fn counts(&mut self, counts: &[u32]) {
        counts
            .iter()
            .for_each(|count| self.0.extend(count.to_le_bytes()));
    }
}

// === impl Reader ===

impl Reader<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or("it is too short")?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(crate) fn number(&mut self) -> Result<u64, &'static str> {
        self.take().map(u64::from_le_bytes)
    }

    pub(crate) fn real(&mut self) -> Result<f64, &'static str> {
        self.number().map(f64::from_bits)
    }

    pub(crate) fn bits(&mut self, all: &mut [u128]) -> Result<(), &'static str> {
        for bits in all {
            *bits = u128::from_le_bytes(self.take()?);
        }
        Ok(())
    }

    pub(crate) fn counts(&mut self, all: &mut [u32]) -> Result<(), &'static str> {
        for count in all {
            *count = u32::from_le_bytes(self.take()?);
        }
        Ok(())
    }

    pub(crate) fn end(&self) -> Result<(), &'static str> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err("it is too long")
    }
}

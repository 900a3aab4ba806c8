//! Which format a scraper gets, by what it accepts; who accepts none of them gets Prometheus' own text.

/// A format of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text, 0.0.4.
    Text,
    /// OpenMetrics' text, 1.0.0.
    OpenMetrics,
    /// Prometheus' protocol buffers, each before its length: the only one with native histograms.
    Protobuf,
}

/// What histograms are in protocol buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Histograms {
    /// Cumulative buckets with coarse bounds.
    Classic,
    /// Buckets 4.4 % wide, those that are empty left out.
    Native,
    /// Both, and who scrapes takes what it knows.
    #[default]
    Both,
}

// === impl Format ===

impl Format {
    /// The best of those that the values of `Accept` name; of equals, the one that is named first.
    #[must_use]
    pub fn accepted<'a>(accept: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut best, mut most) = (Self::Text, 0.0);
        let ranges = accept.into_iter().flat_map(|value| value.split(','));
        for (format, quality) in ranges.filter_map(Self::of) {
            if quality > most {
                (best, most) = (format, quality);
            }
        }
        best
    }

    /// What stands in the header `Content-Type`.
    #[must_use]
    pub fn content(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// A format that fits one range, and how much it is wanted.
    fn of(range: &str) -> Option<(Self, f32)> {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next()?.to_ascii_lowercase();
        let (mut quality, mut version, mut proto, mut encoding) = (1.0, None, None, None);
        for part in parts {
            let (name, value) = part.split_once('=')?;
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => quality = value.parse().ok().filter(|q| (0.0..=1.0).contains(q))?,
                "version" => version = Some(value),
                "proto" => proto = Some(value),
                "encoding" => encoding = Some(value),
                _ => {}
            }
        }
        let format = match kind.as_str() {
            "application/openmetrics-text" if version.is_none_or(|v| v == "1.0.0") => {
                Self::OpenMetrics
            }
            "application/vnd.google.protobuf"
                if proto == Some("io.prometheus.client.MetricFamily")
                    && encoding == Some("delimited") =>
            {
                Self::Protobuf
            }
            "text/plain" if version.is_none_or(|v| v == "0.0.4") => Self::Text,
            "text/*" | "*/*" => Self::Text,
            _ => return None,
        };
        Some((format, quality))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_what_it_accepts_best() {
        let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        let open = "application/openmetrics-text;version=1.0.0";
        let plain = "text/plain;version=0.0.4";
        let old = "application/openmetrics-text;version=0.0.1;q=0.75";
        for (accept, format) in [
            (String::new(), Format::Text),
            ("*/*".to_owned(), Format::Text),
            ("text/html, application/json".to_owned(), Format::Text),
            // Prometheus, without native histograms and with them.
            (
                format!("{open},{old},{plain};q=0.5,*/*;q=0.1"),
                Format::OpenMetrics,
            ),
            (
                format!("{protobuf},{open};q=0.8,{old},{plain};q=0.5,*/*;q=0.1"),
                Format::Protobuf,
            ),
            (
                format!("{open};escaping=allow-utf-8;q=0.5,{plain};q=0.4"),
                Format::OpenMetrics,
            ),
            (format!("{open};q=0, {plain}"), Format::Text),
            (format!("{plain};q=0.2, {open};q=0.3"), Format::OpenMetrics),
            (format!("{plain}, {open}"), Format::Text),
            (
                "application/vnd.google.protobuf;proto=other;encoding=delimited".to_owned(),
                Format::Text,
            ),
            (format!("{open};q=2"), Format::Text),
            (
                "Application/OpenMetrics-Text; Version=\"1.0.0\"".to_owned(),
                Format::OpenMetrics,
            ),
            (";;=,,q=,\u{fffd}".to_owned(), Format::Text),
        ] {
            assert_eq!(Format::accepted([accept.as_str()]), format, "{accept}");
        }
        assert_eq!(Format::accepted([plain, open]), Format::Text);
    }
}

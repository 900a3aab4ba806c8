//! The word that the daemon goes down, for whoever would otherwise wait on.

use tokio::sync::watch;

/// Tells that the daemon goes down. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// The word, and who gives it: `true`, once.
    pub(super) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Waits for the word.
    pub(super) async fn given(mut self) {
        // Who could give it is gone: it will not be given, and there is nothing left to serve.
        let _gone = self.0.wait_for(|stop| *stop).await;
    }
}

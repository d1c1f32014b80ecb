//! Hears the kernel: its notifications only wake the loop, which then looks for itself.

use std::io;
use std::time::Duration;

use host::watch::{Followed, Wake, Watch};
use tokio::time::sleep;

use super::readiness::Readiness;

/// One of the kernel's voices; none where the kernel lacks what would speak.
pub(crate) struct Ear(Option<Voice>);

struct Voice {
    watch: Watch,
    readiness: Readiness,
}

impl Ear {
    /// Listens from now on.
    ///
    /// # Errors
    /// Where no descriptor is left.
    pub(crate) fn new(watch: Watch) -> io::Result<Self> {
        Ok(Self(Some(Voice { readiness: Readiness::of(&watch)?, watch })))
    }

    /// Hears nothing, ever: what others change is found by the loop's own tick.
    pub(crate) fn deaf() -> Self {
        Self(None)
    }

    /// Waits until something was said that counts, and tells of what.
    ///
    /// # Errors
    /// Where the socket fails, a second later: it will fail again.
    pub(crate) async fn heard(&mut self) -> io::Result<Wake> {
        let heard = self.listen().await;
        if heard.is_err() {
            sleep(Duration::from_secs(1)).await;
        }
        heard
    }

    async fn listen(&mut self) -> io::Result<Wake> {
        loop {
            match &self.0 {
                Some(voice) => voice.readiness.wait().await?,
                None => std::future::pending().await,
            }
            if let Some(wake) = self.drain()? {
                return Ok(wake);
            }
        }
    }

    /// Takes in all that has been said by now; none where nothing of it counts.
    ///
    /// # Errors
    /// Where the socket fails.
    pub(crate) fn drain(&mut self) -> io::Result<Option<Wake>> {
        let Some(Voice { watch, readiness }) = &mut self.0 else { return Ok(None) };
        readiness.forget();
        watch.drain()
    }

    /// From now on only these links count.
    pub(crate) fn follow<'a>(&mut self, links: impl IntoIterator<Item = Followed<'a>>) {
        if let Some(Voice { watch, .. }) = &mut self.0 {
            watch.follow(links);
        }
    }
}

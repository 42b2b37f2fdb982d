//! The dialect's tables agree with the committed transcript.

//! A private Redis for the tests of this layer.

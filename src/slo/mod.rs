//! Service objectives on named proxies.
//!
//! **For:** error budgets where there is no ground truth: what share of a proxy's budget is spent, how fast, and what the
//! agreed policy is when it is gone.
//! **In:** outcomes of runs and requests with their times; later, true labels. **Out:** burn rates with intervals, always
//! under the proxy's name.
//! **Never:** shows a proxy as the truth.
//!
//! Nothing is in it yet.

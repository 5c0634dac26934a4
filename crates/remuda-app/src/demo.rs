//! A team's history, told by the same use cases that members call. (Filled in `tell`.)

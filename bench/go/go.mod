module lockstep/bench

go 1.25

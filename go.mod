module kolm

go 1.26

require (
	github.com/alecthomas/kong v1.12.1
	github.com/klauspost/compress v1.18.0
	github.com/rogpeppe/go-internal v1.14.1
	github.com/ulikunitz/xz v0.5.15
	golang.org/x/sys v0.38.0
	golang.org/x/term v0.37.0
)

require golang.org/x/tools v0.26.0 // indirect

package train

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

const lockFile = "lock"

// lock makes the run folder and keeps other processes from training in it, which
// would write over each other's checkpoints. The system ends the lock of a process
// that was killed.
func lock(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(dir, lockFile))
	free, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("train: %s: locking the run folder: %w", dir, err)
	}
	if !free {
		return nil, fmt.Errorf("train: %s is in use: another process trains there", dir)
	}
	return l.Unlock, nil
}

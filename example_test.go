package kolm_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"strings"

	"kolm"
)

func Example() {
	var packed bytes.Buffer
	w, err := kolm.NewWriter(&packed, kolm.WithLevel(1))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(w, strings.NewReader(strings.Repeat("all work and no play\n", 100))); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("smaller:", packed.Len() < 2100/10)

	r, err := kolm.NewReader(&packed)
	if err != nil {
		log.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(plain), "bytes")
	// Output:
	// smaller: true
	// 2100 bytes
}

func ExampleCodec() {
	c, err := kolm.NewCodec(kolm.WithLevel(1), kolm.WithWorkers(1))
	if err != nil {
		log.Fatal(err)
	}
	for _, message := range []string{"", "hello", strings.Repeat("ha", 50)} {
		packed, err := c.Encode(nil, []byte(message))
		if err != nil {
			log.Fatal(err)
		}
		plain, err := c.Decode(nil, packed)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(message), string(plain) == message)
	}
	// Output:
	// 0 true
	// 5 true
	// 100 true
}

func ExampleOpenReaderAt() {
	var packed bytes.Buffer
	w, err := kolm.NewWriter(&packed, kolm.WithLevel(1), kolm.WithBlockSize(1000))
	if err != nil {
		log.Fatal(err)
	}
	for i := range 1000 {
		fmt.Fprintf(w, "line %4d\n", i)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := kolm.OpenReaderAt(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		log.Fatal(err)
	}
	line := make([]byte, 9)
	if _, err := r.ReadAt(line, 10*777); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s of %d bytes\n", line, r.Size())
	// Output:
	// line  777 of 10000 bytes
}

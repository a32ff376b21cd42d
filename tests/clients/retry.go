// A test of a retry policy around Go's net/http against a recorded outage: without it users see failures, with it none.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A connection for each request, as a client without a pool has it.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 300 * time.Millisecond}

func once(url string) bool {
	response, err := client.Get(url)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil && response.StatusCode < 500
}

func ask(url string, retries int) bool {
	for attempt := 0; ; attempt++ {
		if once(url) {
			return true
		}
		if attempt == retries {
			return false
		}
		time.Sleep(50 * time.Millisecond << attempt)
	}
}

func failures(url string, retries int) int64 {
	response, err := http.Post(url+"-/start", "", nil)
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	var failed atomic.Int64
	var all sync.WaitGroup
	for range 200 {
		all.Add(1)
		go func() {
			defer all.Done()
			if !ask(url, retries) {
				failed.Add(1)
			}
		}()
		time.Sleep(10 * time.Millisecond)
	}
	all.Wait()
	return failed.Load()
}

func main() {
	args := []string{"replay", os.Args[2], "--listen", "127.0.0.1:0", "--start", "asked", "--from", "6.3s", "--to", "9s"}
	replay := exec.CommandContext(context.Background(), os.Args[1], args...)
	stdout, err := replay.StdoutPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := replay.Start(); err != nil {
		log.Fatal(err)
	}
	lines, ready := bufio.NewScanner(stdout), regexp.MustCompile(`^listening at (\S+),`)
	url := ""
	for url == "" && lines.Scan() {
		if found := ready.FindStringSubmatch(lines.Text()); found != nil {
			url = found[1]
		}
	}
	without := failures(url, 0)
	// Only where the port is open again can a request start the replay again.
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "over") {
	}
	// The pauses add up to more than the two seconds that the outage lasts.
	retried := failures(url, 6)
	fmt.Printf("net/http: %d of 200 requests failed without retries, %d with them\n", without, retried)
	_ = replay.Process.Signal(syscall.SIGTERM)
	if err := replay.Wait(); err != nil || without < 20 || retried != 0 {
		log.Fatal("not as expected: ", err)
	}
}

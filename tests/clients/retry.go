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

func once(url, key string) bool {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Idempotency-Key", key)
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil && response.StatusCode < 500
}

// All attempts at one request have its key.
func ask(url, key string, retries int) bool {
	for attempt := 0; ; attempt++ {
		if once(url, key) {
			return true
		}
		if attempt == retries {
			return false
		}
		time.Sleep(50 * time.Millisecond << attempt)
	}
}

// failures returns how many of 200 requests fail in the outage, and the exit code of the gate.
func failures(retries int) (int64, int) {
	args := []string{"replay", os.Args[2], "--listen", "127.0.0.1:0", "--start", "asked", "--from", "6.3s", "--to", "11s",
		"--expect", "user-failures=0,succeeded>=200,amplification<=1.5"}
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
	response, err := http.Post(url+"-/start", "", nil)
	if err != nil {
		log.Fatal(err)
	}
	response.Body.Close()
	var failed atomic.Int64
	var all sync.WaitGroup
	for nth := range 200 {
		all.Add(1)
		go func() {
			defer all.Done()
			if !ask(url, fmt.Sprint("request ", nth), retries) {
				failed.Add(1)
			}
		}()
		time.Sleep(10 * time.Millisecond)
	}
	all.Wait()
	// The gate judges a replay that was played to its end.
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "over") {
	}
	_ = replay.Process.Signal(syscall.SIGTERM)
	_ = replay.Wait()
	return failed.Load(), replay.ProcessState.ExitCode()
}

func main() {
	without, failed := failures(0)
	// The pauses add up to more than the two seconds that the outage lasts.
	retried, held := failures(6)
	fmt.Printf("net/http: %d of 200 requests failed without retries, %d with them\n", without, retried)
	if without < 20 || failed != 1 || retried != 0 || held != 0 {
		log.Fatal("not as expected: exit codes ", failed, " and ", held)
	}
}

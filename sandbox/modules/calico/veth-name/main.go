// Command veth-name is a CNI plugin that comes behind one which makes a pair of virtual interfaces for a pod: it gives
// the node's end the name by which calico-felix knows whose it is. Calico's own CNI plugin does so, too; the sandbox
// does without that one, whose addresses come from a database of Calico's.
package main

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// conflist is what the runtime says on stdin, as far as it matters here.
type conflist struct {
	Version string                     `json:"cniVersion"`
	Result  map[string]json.RawMessage `json:"prevResult"`
}

func main() {
	if err := run(); err != nil {
		text, _ := json.Marshal(map[string]any{"cniVersion": "1.0.0", "code": 100, "msg": err.Error()})
		fmt.Println(string(text))
		os.Exit(1)
	}
}

func run() error {
	switch os.Getenv("CNI_COMMAND") {
	case "VERSION":
		_, err := fmt.Println(`{"cniVersion": "1.0.0", "supportedVersions": ["1.0.0"]}`)
		return err
	case "ADD":
		return add()
	default: // the interface goes with the pod
		return nil
	}
}

func add() error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var said conflist
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	var interfaces []map[string]any
	if err := json.Unmarshal(said.Result["interfaces"], &interfaces); err != nil {
		return fmt.Errorf("the plugin before said nothing of interfaces: %w", err)
	}
	name, err := wanted(os.Getenv("CNI_ARGS"))
	if err != nil {
		return err
	}
	found := false
	for _, one := range interfaces {
		if sandbox, _ := one["sandbox"].(string); sandbox != "" { // the pod's end
			continue
		}
		now, _ := one["name"].(string)
		if done, err := exec.Command("ip", "link", "set", "dev", now, "name", name).CombinedOutput(); err != nil {
			return fmt.Errorf("%s cannot be called %s: %s", now, name, strings.TrimSpace(string(done)))
		}
		one["name"] = name
		found = true
	}
	if !found {
		return errors.New("the plugin before made no interface of the node's")
	}
	if said.Result["interfaces"], err = json.Marshal(interfaces); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(said.Result)
}

// wanted is the name for the pod of CNI_ARGS: a prefix, and what fits of the SHA-1 of namespace and name.
func wanted(arguments string) (string, error) {
	values := map[string]string{}
	for _, pair := range strings.Split(arguments, ";") {
		key, value, _ := strings.Cut(pair, "=")
		values[key] = value
	}
	namespace, pod := values["K8S_POD_NAMESPACE"], values["K8S_POD_NAME"]
	if namespace == "" || pod == "" {
		return "", fmt.Errorf("CNI_ARGS %q does not say which pod it is", arguments)
	}
	digest := sha1.Sum([]byte(namespace + "." + pod))
	return "cali" + hex.EncodeToString(digest[:])[:11], nil
}

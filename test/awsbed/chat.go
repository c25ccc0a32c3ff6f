package awsbed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ChatMessage is a message that Amazon Q Developer in chat applications shows ("Custom notifications"
// in its administrator guide), as far as the program sends it.
type ChatMessage struct {
	Version, Source string
	Content         struct {
		TextType, Title, Description string
		NextSteps, Keywords          []string
	}
	Metadata struct {
		ThreadID          string `json:"threadId"`
		Summary           string
		EventType         string
		RelatedResources  []string
		AdditionalContext map[string]string
	}
}

// ReadChat reads a message as strictly as can be: it must be of the schema, and have what a reader needs.
func ReadChat(text string) (ChatMessage, error) {
	var m ChatMessage
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return m, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return m, errors.New("there is more after the message")
	}
	if m.Version != "1.0" || m.Source != "custom" || m.Content.TextType != "client-markdown" {
		return m, fmt.Errorf("version %q, source %q, text %q", m.Version, m.Source, m.Content.TextType)
	}
	if err := m.checkLengths(); err != nil {
		return m, err
	}
	if !strings.HasPrefix(m.Metadata.ThreadID, "arn:") || len(m.Metadata.RelatedResources) != 1 || m.Metadata.RelatedResources[0] != m.Metadata.ThreadID {
		return m, fmt.Errorf("the thread %s is not that of %v", m.Metadata.ThreadID, m.Metadata.RelatedResources)
	}
	return m, nil
}

// checkLengths checks that each text has something to read, and not more than the service accepts.
func (m *ChatMessage) checkLengths() error {
	for name, limited := range map[string]struct {
		text string
		most int
	}{
		"title": {m.Content.Title, 150}, "description": {m.Content.Description, 2500}, "thread": {m.Metadata.ThreadID, 256},
		"summary": {m.Metadata.Summary, 150}, "event type": {m.Metadata.EventType, 150},
	} {
		if n := len([]rune(limited.text)); n == 0 || n > limited.most {
			return fmt.Errorf("the %s has %d characters", name, n)
		}
	}
	for _, step := range m.Content.NextSteps {
		if n := len([]rune(step)); n == 0 || n > 2600 {
			return fmt.Errorf("a next step has %d characters", n)
		}
	}
	for key, value := range m.Metadata.AdditionalContext {
		if value == "" {
			return fmt.Errorf("the context %s is empty", key)
		}
	}
	return nil
}

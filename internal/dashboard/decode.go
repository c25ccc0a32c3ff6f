package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/personalize-monitor/personalize-monitor/internal/model"
)

// Decode reads the body of a dashboard back into widgets, so that what is drawn elsewhere
// is what was published. It is an error if the body is no JSON, or holds a widget or a
// metric in a form that Render never writes.
func Decode(body []byte) ([]Widget, error) {
	var read struct {
		Widgets []Widget `json:"widgets"`
	}
	if err := json.Unmarshal(body, &read); err != nil {
		return nil, fmt.Errorf("read the body of a dashboard: %w", err)
	}
	return read.Widgets, nil
}

// UnmarshalJSON reads a widget with the properties of its type.
func (w *Widget) UnmarshalJSON(raw []byte) error {
	type plain Widget
	read := struct {
		*plain
		Properties json.RawMessage `json:"properties"`
	}{plain: (*plain)(w)}
	if err := json.Unmarshal(raw, &read); err != nil {
		return err
	}
	switch w.Type {
	case Text{}.widgetType():
		var text Text
		if err := json.Unmarshal(read.Properties, &text); err != nil {
			return err
		}
		w.Properties = text
	case Graph{}.widgetType():
		var graph Graph
		if err := json.Unmarshal(read.Properties, &graph); err != nil {
			return err
		}
		w.Properties = graph
	default:
		return fmt.Errorf("a widget of type %q is not known", w.Type)
	}
	return nil
}

var errLine = errors.New(`a metric is not of the form ["namespace", "name", "dimension", "value", {"label": "text"}]`)

// UnmarshalJSON reads the row that MarshalJSON writes.
func (l *Line) UnmarshalJSON(raw []byte) error {
	var cells []json.RawMessage
	if err := json.Unmarshal(raw, &cells); err != nil {
		return errLine
	}
	*l = Line{}
	if n := len(cells); n > 0 && len(cells[n-1]) > 0 && cells[n-1][0] == '{' {
		var options struct {
			Label string `json:"label"`
		}
		if err := json.Unmarshal(cells[n-1], &options); err != nil {
			return errLine
		}
		l.Label, cells = options.Label, cells[:n-1]
	}
	texts := make([]string, len(cells))
	for i, cell := range cells {
		if err := json.Unmarshal(cell, &texts[i]); err != nil {
			return errLine
		}
	}
	switch len(texts) {
	case 2:
		l.Metric = model.Metric{Namespace: texts[0], Name: texts[1]}
	case 4:
		l.Metric = model.Metric{Namespace: texts[0], Name: texts[1], DimensionName: texts[2], DimensionValue: texts[3]}
	default:
		return errLine
	}
	return nil
}

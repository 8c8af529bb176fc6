package cli

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// mangler makes, of a seed, projects as people write them and get them wrong,
// with a canary in the place of everything that is a secret.
type mangler struct {
	*rand.Rand
	canaries []string
	parts    map[string]string // grams of the first known canaries
	known    int
}

func newMangler(seed, project uint64) *mangler {
	return &mangler{Rand: rand.New(rand.NewPCG(seed, project))}
}

// one chooses among several.
func one[T any](m *mangler, of ...T) T { return of[m.IntN(len(of))] }

// canary is a secret that no word of ours is like, also where a part of it is
// shown: letters with a digit now and then, or letters that make no word.
func (m *mangler) canary() string {
	const letters = "bcdfghjklmnpqrtvwxzBCDFGHJKLMNPQRTVWXZ"
	digits := m.IntN(2) == 0
	var b strings.Builder
	for i := range 18 {
		if digits && i%3 == 2 {
			b.WriteByte("0123456789"[m.IntN(10)])
		} else {
			b.WriteByte(letters[m.IntN(len(letters))])
		}
	}
	m.canaries = append(m.canaries, b.String())
	return b.String()
}

// project is one project of a few files, and then one to three mistakes.
func (m *mangler) project() map[string]string {
	files := m.files()
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for range 1 + m.IntN(3) {
		// Where the backend stands is where most goes wrong.
		name := names[m.IntN(len(names))]
		if _, ok := files[".env"]; ok && m.IntN(2) == 0 {
			name = ".env"
		}
		before := files[name]
		files[name] = m.mistake(before)
		if m.makesHost(files[name]) {
			files[name] = before
		}
	}
	return files
}

// authority is what stands between :// and the path.
var authority = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/"'?#,}]*`)

// makesHost tells whether a mistake made a canary a part of a host that parses.
// Such a host is one like any other, to everybody.
func (m *mangler) makesHost(text string) bool {
	for _, found := range authority.FindAllString(text, -1) {
		u, err := url.Parse(found)
		if err == nil && len(partsIn(u.Host, m.grams())) > 0 {
			return true
		}
	}
	return false
}

// mistake makes one change to a text that somebody could make.
func (m *mangler) mistake(text string) string {
	whole := []func(string) string{m.joinLines, m.breakLine, m.swapLines, m.truncate, m.misspell,
		func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		func(s string) string { return "\ufeff" + s },
		func(s string) string { return m.onLine(s, m.comment) },
		func(s string) string { return m.onLine(s, m.encode) },
	}
	if m.IntN(5) < 2 {
		return one(m, whole...)(text)
	}
	return m.onLine(text, one(m, m.dropMark, m.dropMark, m.doubleMark, m.putMark, m.putMark, m.dropBytes, m.moveUser, m.swapPair, m.keyOnly,
		m.split, m.rename, m.userInfoMarks))
}

// onLine changes one line, preferably one with a secret in it.
func (m *mangler) onLine(text string, change func(string) string) string {
	lines := strings.Split(text, "\n")
	at := m.IntN(len(lines))
	for range 4 {
		if len(partsIn(lines[at], m.grams())) > 0 {
			break
		}
		at = m.IntN(len(lines))
	}
	lines[at] = change(lines[at])
	return strings.Join(lines, "\n")
}

const marks = "\"'{}[],:=@/\\ "

// markAt is the place of some mark of a line, and -1 where there is none.
func (m *mangler) markAt(line, of string) int {
	var at []int
	for i := range len(line) {
		if strings.IndexByte(of, line[i]) >= 0 {
			at = append(at, i)
		}
	}
	if at == nil {
		return -1
	}
	return one(m, at...)
}

func (m *mangler) dropMark(line string) string {
	at := m.markAt(line, one(m, marks, `"`, `"'`, ",", ":", "@/:"))
	if at < 0 {
		return line
	}
	return line[:at] + line[at+1:]
}

func (m *mangler) doubleMark(line string) string {
	at := m.markAt(line, one(m, marks, `"'`, ",:"))
	if at < 0 {
		return line
	}
	return line[:at] + line[at:at+1] + line[at:]
}

func (m *mangler) putMark(line string) string {
	at := m.IntN(len(line) + 1)
	return line[:at] + one(m, `"`, "'", `\"`, "{", "}", "[", "]", ",", ":", "=", "@", "/", "\\", " ", "\t", "#", "$", "${", "%", "%(", "`", "|", "&", "*", "!", "<<", "- ", "://", "é", "\x00", "\r") + line[at:]
}

func (m *mangler) dropBytes(line string) string {
	at := m.IntN(len(line) + 1)
	return line[:at] + line[min(len(line), at+1+m.IntN(12)):]
}

// moveUser moves the user information of an address.
func (m *mangler) moveUser(line string) string {
	return regexp.MustCompile(`://([^\s/"'@]*)@([^\s"',}]*)`).ReplaceAllStringFunc(line, func(s string) string {
		user, rest, _ := strings.Cut(strings.TrimPrefix(s, "://"), "@")
		host, path, _ := strings.Cut(rest, "/")
		return one(m, "://"+host+"@"+user+"/"+path, "://"+host+"/"+user+"@"+path, "://"+host+"?"+user+"@"+path, "://"+host+":"+user,
			"://"+user+":"+host+"/"+path, "://"+host+"#"+user, "://"+host+"/"+path+"@"+user, "://@"+user+"@"+host, ":/"+user+"@"+host, "//"+user+"@"+host,
			"://"+host+";"+user, "://["+user+"]@"+host, "://["+user+"@"+host+"]", "://"+host+":80:"+user, "://"+host+"\\"+user)
	})
}

// userInfoMarks changes one of the marks of an address.
func (m *mangler) userInfoMarks(line string) string {
	at := strings.Index(line, "://")
	if at < 0 {
		return m.dropMark(line)
	}
	i := m.markAt(line[at:], ":/@")
	return line[:at+i] + one(m, "", "@", ":", "/", " ", "@@", "%40", "?", "\\") + line[at+i+1:]
}

// swapPair writes the value where the key belongs.
func (m *mangler) swapPair(line string) string {
	pairs := regexp.MustCompile(`("[^"]*"|'[^']*'|[A-Za-z_][\w.-]*)(\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,{}"']+)`)
	all := pairs.FindAllStringSubmatchIndex(line, -1)
	if all == nil {
		return line
	}
	p := one(m, all...)
	return line[:p[2]] + line[p[6]:p[7]] + line[p[4]:p[5]] + line[p[2]:p[3]] + line[p[7]:]
}

// keyOnly leaves a key without its value, or a value without its key.
func (m *mangler) keyOnly(line string) string {
	at := m.markAt(line, ":=")
	if at < 0 {
		return line
	}
	return one(m, line[:at], line[:at+1], line[at+1:], line[:at]+" "+line[at+1:])
}

func (m *mangler) split(line string) string {
	at := m.IntN(len(line) + 1)
	return line[:at] + one(m, " ", "  ", "\t", "\n", "\r", "\\\n", " \n ", "\u00a0") + line[at:]
}

// rename misspells a name that stands before = or : or in quotes.
func (m *mangler) rename(line string) string {
	names := regexp.MustCompile(`[A-Za-z_]{4,}`).FindAllStringIndex(line, -1)
	if names == nil {
		return line
	}
	at := one(m, names...)
	cut := at[0] + m.IntN(at[1]-at[0])
	return line[:cut] + one(m, "", "_", "x", "-", ".", " ") + line[cut+1:]
}

func (m *mangler) misspell(text string) string {
	return strings.Replace(text, "AIRFLOW__", one(m, "AIRFLOW_", "AIRFLOW", "airflow__", "AIRFLOW___", "AIRLFOW__", ""), 1)
}

func (m *mangler) comment(line string) string {
	return one(m, "# "+line, line+" # "+m.canary(), "// "+line, "<!-- "+line, "#"+m.canary()+"\n"+line, "; "+line)
}

// encode puts a line, or what stands behind its first mark, into base64.
func (m *mangler) encode(line string) string {
	at := m.markAt(line, ":=")
	return line[:at+1] + base64.StdEncoding.EncodeToString([]byte(line[at+1:]))
}

func (m *mangler) joinLines(text string) string {
	at := m.markAt(text, "\n")
	if at < 0 {
		return text
	}
	return text[:at] + one(m, "", " ", "") + strings.TrimLeft(text[at+1:], " ")
}

func (m *mangler) breakLine(text string) string {
	at := m.IntN(len(text) + 1)
	return text[:at] + "\n" + text[at:]
}

func (m *mangler) swapLines(text string) string {
	lines := strings.Split(text, "\n")
	i, j := m.IntN(len(lines)), m.IntN(len(lines))
	lines[i], lines[j] = lines[j], lines[i]
	return strings.Join(lines, "\n")
}

func (m *mangler) truncate(text string) string { return text[:m.IntN(len(text)+1)] }

// gramLength is how much of a canary is a leak.
const gramLength = 6

// grams are all parts of the canaries, in lower case, and of what base64 makes
// of them at each of its three alignments.
func (m *mangler) grams() map[string]string {
	if m.parts == nil {
		m.parts = map[string]string{}
	}
	all := m.parts
	add := func(text, canary string, length int) {
		for i := 0; i+length <= len(text); i++ {
			all[strings.ToLower(text[i:i+length])] = canary
		}
	}
	for ; m.known < len(m.canaries); m.known++ {
		c, name := m.canaries[m.known], fmt.Sprint(m.known)
		add(c, name, gramLength)
		for shift := range 3 {
			encoded := base64.StdEncoding.EncodeToString([]byte("xxx"[:shift] + c))
			add(strings.TrimRight(encoded, "=")[2*shift:], name, 2*gramLength)
		}
	}
	return all
}

// partsIn are the places of a text where a part of a canary stands.
func partsIn(text string, grams map[string]string) []int {
	var at []int
	text = strings.ToLower(text)
	for i := 0; i+gramLength <= len(text); i++ {
		if _, ok := grams[text[i:i+gramLength]]; ok {
			at = append(at, i)
			continue
		}
		if i+2*gramLength <= len(text) {
			if _, ok := grams[text[i:i+2*gramLength]]; ok {
				at = append(at, i)
			}
		}
	}
	return at
}

//! Where the picture goes: a terminal, redrawn in place, or anything else, line by line.

use std::io;

use console::{Term, style};

use super::{
    Heading, Shown, line,
    picture::{Tone, picture},
};

/// Standard output, as a terminal or not. The cursor comes back when this is dropped.
pub struct Screen {
    term: Term,
    live: bool,
    /// Lines of the picture that is on the terminal.
    drawn: usize,
}

impl Screen {
    /// Takes standard output. A "dumb" terminal is written to line by line.
    pub fn open() -> Screen {
        Screen::over(Term::buffered_stdout())
    }

    fn over(term: Term) -> Screen {
        let live = term.is_term() && !console::is_dumb();
        if live {
            let _ = term.hide_cursor();
        }
        Screen { term, live, drawn: 0 }
    }

    /// True when the picture is redrawn in place.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Draws the picture over the one before. Does nothing where there is no terminal.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn draw(&mut self, heading: &Heading, shown: &Shown) -> io::Result<()> {
        if !self.live {
            return Ok(());
        }
        let (rows, columns) = self.term.size();
        // The last row stays free: a line break there would scroll.
        let lines = picture(heading, shown, columns.into(), usize::from(rows).saturating_sub(1));
        self.term.move_cursor_up(self.drawn)?;
        for (tone, text) in &lines {
            self.term.clear_line()?;
            let styled = match tone {
                Tone::Title => style(text).bold(),
                Tone::Plain => style(text),
                Tone::Quiet => style(text).dim(),
                Tone::Alarm => style(text).red(),
            };
            self.term.write_line(&styled.to_string())?;
        }
        self.term.clear_to_end_of_screen()?;
        self.drawn = lines.len();
        self.term.flush()
    }

    /// Writes the line of a second where there is no terminal.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn second(&mut self, shown: &Shown) -> io::Result<()> {
        if self.live { Ok(()) } else { self.say(&line(shown)) }
    }

    /// Writes lines that stay, below the picture.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.drawn = 0;
        self.term.write_line(text)?;
        self.term.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.live {
            let _ = self.term.show_cursor();
        }
        let _ = self.term.flush();
    }
}
